#!/usr/bin/perl
# Prints the table requirement -> tests, made from the names of the tests themselves.
# Fails when a requirement has no test. Test names carry the numbers: 'M11, M12: ...', 'T20-T22: ...';
# so do the comments that head isolation specs (#) and parts of regress files (--).
use strict;
use warnings;
use FindBin;

my %last = (M => 47, O => 45, C => 29, T => 31);
my @peer = qw(P1 P4 P10 P11 P24 P27 P31);
my @required = ((map { my $p = $_; map { "$p$_" } 1 .. $last{$p} } qw(M O C T)), @peer);

my $number = qr/[MOCTP]\d+/;
my $numbers = qr/$number(?:(?:\s*(?:,|and|-)\s*)$number)*/;
my %tests;

sub expand
{
	my ($list) = @_;
	my @found;

	while ($list =~ /([MOCTP])(\d+)(?:-[MOCTP]?(\d+))?/g)
	{
		push @found, map { "$1$_" } $2 .. ($3 // $2);
	}
	return @found;
}

sub scan
{
	my ($file, $shown) = @_;

	open(my $in, '<', $file) or die "$file: $!";
	while (my $line = <$in>)
	{
		while ($line =~ /(?:['"]|^\s*(?:#|--)\s*)($numbers):\s+([^'"\n]{3,90})/g)
		{
			my ($list, $name) = ($1, $2);

			push @{ $tests{$_} }, "$shown: $name" foreach expand($list);
		}
	}
	close($in);
}

chdir "$FindBin::RealBin/..";
scan($_, $_) foreach sort(glob('sql/*.sql test/pgtap/*.sql test/isolation/specs/*.spec test/tap/*.pl'));

my $missing = 0;
foreach my $requirement (@required)
{
	my @found = @{ $tests{$requirement} // [] };

	$missing++ unless @found;
	printf "%-4s %2d  %s\n", $requirement, scalar @found, $found[0] // 'NO TEST';
	print "         $_\n" foreach @found[ 1 .. $#found ];
}
printf "%d requirements, %d without a test\n", scalar @required, $missing;
exit($missing ? 1 : 0);
