#!/usr/bin/perl
# Our path, the plpgsql twin and the floor, interleaved in one run: medians and ratios. Then the growth of ours.
# Options beside those in test/run.sh help: --few N, what the sweep among --licenses is compared with;
# --no-setup takes the databases of a run before.
use strict;
use warnings;
use FindBin;
use Getopt::Long;
use lib $FindBin::RealBin;
use Bench;

$| = 1;

my %o = (apartments => 100_000, licenses => 1_000_000, few => 100_000, sizes => '10000,100000,1000000', rounds => 5,
	seconds => 2, calls => 1_000_000, only => '', out => '.', database => 'bench');
GetOptions(\%o, 'apartments=i', 'licenses=i', 'few=i', 'large', 'sizes=s', 'rounds=i', 'seconds=i', 'calls=i', 'only=s',
	'out=s', 'growth!', 'setup!') or exit 2;
$o{licenses} = 10_000_000 if $o{large};
$o{few} = $o{licenses} if $o{few} > $o{licenses};
$o{keys} = $o{licenses} < 10_000 ? $o{licenses} : 10_000;
option(\%o);

require "$FindBin::RealBin/works.pl";
require "$FindBin::RealBin/growth.pl";
my @failed;

# A table is printed as far as it got.
sub make_table
{
	my ($measure, $print, $file, $values) = @_;

	eval { $measure->(); 1 } or push @failed, $@;
	$print->();
	write_csv("$o{out}/$file", $values->());
}

sub ratios
{
	set_up_works() if $o{setup} // 1;
	works();
	drop_works() if $o{setup} // 1;
}

make_table(\&ratios, \&print_table, 'bench.csv', \&Bench::table_values) unless $o{growth};
make_table(\&growth, \&print_growth, 'bench_growth.csv', \&growth_values) if $o{growth} // 1;
printf "measured in %.0f minutes\n", (time - $^T) / 60;
die "not all was measured:\n@failed" if @failed;
