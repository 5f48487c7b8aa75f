#!/usr/bin/perl
# Our path, the plpgsql twin and the floor, interleaved in one run: medians and ratios.
#   bench.pl [--apartments N] [--licenses N] [--rounds N] [--seconds N] [--only WORD]
use strict;
use warnings;
use FindBin;
use Getopt::Long;
use Time::HiRes 'time';

our %o = (apartments => 100_000, licenses => 1_000_000, rounds => 5, seconds => 2, only => '', csv => 'bench.csv');
GetOptions(\%o, 'apartments=i', 'licenses=i', 'rounds=i', 'seconds=i', 'only=s', 'csv=s', 'no-setup') or exit 2;

our $dir = $ENV{TMPDIR} // '/tmp';
my @rows;

sub sql
{
	my ($text) = @_;

	open(my $out, '>', "$dir/bench.sql") or die $!;
	print $out $text;
	close($out);
	my $answer = `psql -X -q -A -t -v ON_ERROR_STOP=1 -f $dir/bench.sql 2>&1`;
	die "failed: $text\n$answer" if $?;
	chomp $answer;
	return $answer;
}

# Seconds of what comes after \timing on
sub seconds_of
{
	my ($text) = @_;
	my $answer = sql("\\timing on\n$text");

	my $sum = 0;

	$sum += $_ / 1000 foreach $answer =~ /Time: ([\d.]+) ms/g;
	return $sum;
}

# Transactions a second of a pgbench script
sub rate_of
{
	my ($script, %with) = @_;
	my $clients = $with{clients} // 4;
	my $role = $with{role} ? "PGOPTIONS='-c role=$with{role}' " : '';
	my $length = $with{transactions} ? "-t $with{transactions}" : "-T $o{seconds}";

	open(my $out, '>', "$dir/bench.pgb") or die $!;
	print $out $script;
	close($out);
	my $answer = `${role}pgbench -n -M prepared -c $clients -j 2 $length -f $dir/bench.pgb 2>&1`;
	die "failed: $script\n$answer" if $? || $answer !~ /tps = ([\d.]+)/ || $answer =~ /aborted/;
	return ($answer =~ /tps = ([\d.]+)/)[0];
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;

	return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

# compare(name, unit, goals, contestant => code, ...): each contestant once a round, in turn.
# goals: [other, operator, ratio]; a ratio of rates is ours/other, of times too.
sub compare
{
	my ($name, $unit, $goals, $why, @pairs) = @_;
	my (@names, %run, %seen);

	return if $o{only} && $name !~ /$o{only}/;
	while (my ($who, $code) = splice(@pairs, 0, 2))
	{
		push @names, $who;
		$run{$who} = $code;
	}
	foreach my $round (1 .. $o{rounds})
	{
		foreach my $who ($round % 2 ? @names : reverse @names)
		{
			push @{ $seen{$who} }, $run{$who}->();
		}
	}
	my %median = map { $_ => median(@{ $seen{$_} }) } @names;
	report($name, $unit, $goals, $why, \%median, @names);
}

sub report
{
	my ($name, $unit, $goals, $why, $median, @names) = @_;
	my @text = map { sprintf('%s %s', $_, number($median->{$_})) } @names;

	printf "%-34s %-7s %s\n", $name, $unit, join(', ', @text);
	foreach my $goal (@$goals)
	{
		my ($other, $operator, $wanted) = @$goal;
		my $ratio = $median->{ours} / $median->{$other};
		my $met = $operator eq '>=' ? $ratio >= $wanted : $ratio <= $wanted;

		printf "%42s ours/%s = %.2f  (goal %s %s)  %s\n", '', $other, $ratio, $operator, $wanted,
		  $met ? 'met' : 'NOT MET';
		push @rows, join(',', "\"$name\"", $unit, $median->{ours}, $other, $median->{$other},
			sprintf('%.3f', $ratio), "$operator $wanted", $met ? 'met' : 'not met');
	}
	print "        $why\n";
}

sub number
{
	my ($n) = @_;

	return $n >= 100 ? sprintf('%.0f', $n) : sprintf('%.3f', $n);
}

do "$FindBin::RealBin/works.pl" or die $@ || $!;
setup(\%o) unless $o{'no-setup'};
works(\%o);
open(my $csv, '>', $o{csv}) or die $!;
print $csv "work,unit,ours,other,other value,ratio,goal,met\n", map { "$_\n" } @rows;
close($csv);
print "written: bench.csv\n";
