#!/usr/bin/perl
# Which file of src/ needs which: checks that areas need only areas below them, and that no files need each other in a
# circle. An arrow is an #include, or a symbol of one object file that another one defines.
use strict;
use warnings;

# From the bottom up. Areas of one level do not need each other, but for license, whose rows the others change.
my @levels = (['core'], ['access'], ['history', 'counted'], ['account'], ['license', 'catalogue', 'site', 'subscription'],
	['seat', 'notice'], ['enterprise'], ['report', 'sign', 'distribute'], ['init']);
my %level = map { my $height = $_; map { $_ => $height } @{ $levels[$height] } } 0 .. $#levels;
my (%arrows, %defined_in, @faults);

# src/seat/pool.c and src/seat/pool.h are one place, seat/pool
sub place
{
	my ($file) = @_;

	return $file =~ s{^src/}{}r =~ s{\.\w+$}{}r;
}

sub area
{
	my ($place) = @_;

	return $place =~ m{^(\w+)/} ? $1 : $place;
}

sub add_arrow
{
	my ($from, $to, $why) = @_;

	$arrows{$from}{$to} //= $why if $from ne $to;
}

sub read_includes
{
	foreach my $file (glob('src/*.[ch] src/*/*.[ch]'))
	{
		open my $source, '<', $file or die "$file: $!";
		while (<$source>)
		{
			add_arrow(place($file), place("src/$1"), "includes $1") if /^#include "(\w+\/\w+\.(?:h|def))"/ && -e "src/$1";
		}
	}
}

sub symbols
{
	my ($file, $kinds) = @_;

	return map { / ([$kinds]) (\w+)$/ ? $2 : () } `nm '$file'`;
}

sub read_objects
{
	my @objects = glob('src/*.o src/*/*.o') or die "no object files: run make first\n";

	foreach my $file (@objects)
	{
		$defined_in{$_} = place($file) foreach symbols($file, 'TDBRC');
	}
	foreach my $file (@objects)
	{
		foreach my $symbol (symbols($file, 'U'))
		{
			add_arrow(place($file), $defined_in{$symbol}, "needs $symbol") if exists $defined_in{$symbol};
		}
	}
}

sub check_directions
{
	foreach my $from (sort keys %arrows)
	{
		foreach my $to (sort keys %{ $arrows{$from} })
		{
			my ($above, $below) = (area($from), area($to));

			die "area of $from is in no level\n" unless exists $level{$above};
			die "area of $to is in no level\n" unless exists $level{$below};
			next if $above eq $below || $level{$below} < $level{$above};
			next if $below eq 'license' && $level{$below} == $level{$above};
			push @faults, "$from $arrows{$from}{$to}: $above may not need $below";
		}
	}
}

# Takes away what needs nothing that is left, again and again; what stays lies on a circle or needs one.
sub check_circles
{
	my %left = map { $_ => 1 } keys %arrows;
	my $before;

	do
	{
		$before = keys %left;
		delete @left{ grep { my $from = $_; !grep { $left{$_} } keys %{ $arrows{$from} } } keys %left };
	} while (keys %left < $before);
	foreach my $from (sort keys %left)
	{
		push @faults, map { "circle: $from $arrows{$from}{$_} ($_)" } grep { $left{$_} && reaches($_, $from) } sort keys %{ $arrows{$from} };
	}
}

sub reaches
{
	my ($from, $to) = @_;
	my (%seen, @next) = ($from => 1);

	@next = ($from);
	while (defined(my $place = shift @next))
	{
		return 1 if $place eq $to;
		push @next, grep { !$seen{$_}++ } keys %{ $arrows{$place} // {} };
	}
	return 0;
}

read_includes();
read_objects();
check_directions();
check_circles();
print "$_\n" foreach @faults;
exit 1 if @faults;
my $count = 0;
$count += keys %$_ foreach values %arrows;
print "directions: $count arrows between files, none runs up and none closes a circle\n";
