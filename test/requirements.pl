#!/usr/bin/perl
# Prints the table requirement -> tests. The requirements are those of docs/requirements.md, the tests are found by
# their names, which carry the numbers: 'M11, M12: ...', 'T20-T22: ...'. Comments that head isolation specs (#) and
# parts of regress files (--) carry them in the same way.
# Fails when a requirement has no test, unless it is not adopted or listed under "Not yet held".
use strict;
use warnings;
use FindBin;

my $groups = 'MOCTPSDKABJN';
my $always_tested = qr/^[MOCT]/;
my $number = qr/[$groups]\d+a?\b/;
my $numbers = qr/$number(?:(?:\s*(?:,|and|-)\s*)$number)*/;

sub expand
{
	my ($list) = @_;
	my @found;

	while ($list =~ /([$groups])(\d+)(a?)(?:\s*-\s*[$groups](\d+))?/g)
	{
		push @found, defined $4 ? map { "$1$_" } $2 .. $4 : "$1$2$3";
	}
	return @found;
}

# Returns the numbers in the order of the document, those not adopted, those not yet held, and the faults found.
sub read_requirements
{
	my ($file) = @_;
	my (@all, %known, %not_adopted, %not_yet, @faults);
	my $section = '';

	open(my $in, '<', $file) or die "$file: $!";
	while (my $line = <$in>)
	{
		$section = $1 if $line =~ /^##\s+(.*\S)/;
		if ($section eq 'Not yet held')
		{
			$not_yet{$_} = 1 foreach $line =~ /^- (.*)/ ? expand($1) : ();
		}
		elsif ($line =~ /^- ($number): (Not adopted: )?/)
		{
			push @faults, "$1 is defined twice" if $known{$1}++;
			push @all, $1;
			$not_adopted{$1} = 1 if $2;
		}
	}
	close($in);
	foreach my $listed (sort keys %not_yet)
	{
		push @faults, "$listed is listed under \"Not yet held\" and is not defined" unless $known{$listed};
		push @faults, "$listed may not be listed under \"Not yet held\"" if $listed =~ $always_tested;
	}
	return (\@all, \%not_adopted, \%not_yet, \@faults);
}

sub scan
{
	my ($file, $tests) = @_;

	open(my $in, '<', $file) or die "$file: $!";
	while (my $line = <$in>)
	{
		while ($line =~ /(?:['"]|^\s*(?:#|--)\s*)($numbers):\s+([^'"\n]{3,90})/g)
		{
			my ($list, $name) = ($1, $2);

			push @{ $tests->{$_} }, "$file: $name" foreach expand($list);
		}
	}
	close($in);
}

chdir "$FindBin::RealBin/..";
my ($all, $not_adopted, $not_yet, $faults) = read_requirements('docs/requirements.md');
my %known = map { $_ => 1 } @$all;
my (%tests, @missing, @held, @waiting);

scan($_, \%tests) foreach sort(glob('sql/*.sql test/pgtap/*.sql test/isolation/specs/*.spec test/tap/*.pl'));
push @$faults, "$_ is not defined in docs/requirements.md and is named by $tests{$_}[0]"
  foreach grep { !$known{$_} } sort keys %tests;

foreach my $requirement (@$all)
{
	my @found = @{ $tests{$requirement} // [] };
	my $without =
	    $not_adopted->{$requirement} ? 'not adopted'
	  : $not_yet->{$requirement} && $requirement !~ $always_tested ? 'not yet held'
	  : 'NO TEST';

	push @missing, $requirement if !@found && $without eq 'NO TEST';
	push @waiting, $requirement if !@found && $without eq 'not yet held';
	push @held, $requirement if @found && $not_yet->{$requirement};
	printf "%-4s %2d  %s\n", $requirement, scalar @found, $found[0] // $without;
	print "         $_\n" foreach @found[ 1 .. $#found ];
}

print "$_\n" foreach @$faults;
print "Tests name these, which may leave \"Not yet held\": @held\n" if @held;
print "Without a test: @missing\n" if @missing;
printf "%d requirements: %d not adopted, %d not yet held, %d without a test\n",
  scalar @$all, scalar keys %$not_adopted, scalar @waiting, scalar @missing;
exit(@missing || @$faults ? 1 : 0);
