# Runs contestants in turn, keeps what they took, prints the table.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use POSIX 'strftime';

our @EXPORT = qw(option sql run_script seconds_of rate_of measure compare add_row print_table write_csv number
  set_up_database grow_licenses drop_database say_now);

my %o;
my @rows;
my $dir = $ENV{TMPDIR} // '/tmp';
my $template = $ENV{PGDATABASE} // 'license';

# option(name): its value; option(\%all): sets them all
sub option
{
	my ($what) = @_;

	%o = %$what if ref $what;
	return $o{$what};
}

sub say_now
{
	print strftime('%H:%M:%S', localtime), " @_\n";
}

sub shell_word
{
	my ($word) = @_;

	return "'" . $word =~ s/'/'\\''/gr . "'";
}

sub file_with
{
	my ($suffix, $text) = @_;
	my $file = "$dir/bench.$$.$suffix";

	open(my $out, '>', $file) or die "$file: $!";
	print $out $text;
	close($out) or die "$file: $!";
	return $file;
}

# What psql answers; with: database, psql variables
sub run_script
{
	my ($file, %with) = @_;
	my $database = shell_word(delete $with{database} // option('database'));
	my $variables = join(' ', map { "-v $_=" . shell_word($with{$_}) } sort keys %with);
	my $answer = `psql -X -q -A -t -v ON_ERROR_STOP=1 $variables -d $database -f $file 2>&1`;

	die "$file failed:\n$answer" if $?;
	chomp $answer;
	return $answer;
}

sub sql
{
	my ($text, %with) = @_;

	return run_script(file_with('sql', $text), %with);
}

# Seconds of what comes after \timing on
sub seconds_of
{
	my ($text, %with) = @_;
	my $answer = sql("\\timing on\n$text", %with);
	my $sum = 0;

	$sum += $_ / 1000 foreach $answer =~ /Time: ([\d.]+) ms/g;
	return $sum;
}

# Transactions a second of a pgbench script; with: database, clients, transactions, role
sub rate_of
{
	my ($script, %with) = @_;
	my $database = shell_word($with{database} // option('database'));
	my $clients = $with{clients} // 4;
	my $role = $with{role} ? "PGOPTIONS='-c role=$with{role}' " : '';
	my $length = $with{transactions} ? "-t $with{transactions}" : '-T ' . option('seconds');
	my $file = file_with('pgbench', $script);
	my $answer = `${role}pgbench -n -M prepared -c $clients -j 2 $length -f $file $database 2>&1`;

	die "failed: $script\n$answer" if $? || $answer !~ /tps = ([\d.]+)/ || $answer =~ /aborted/;
	return ($answer =~ /tps = ([\d.]+)/)[0];
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;

	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub number
{
	my ($n) = @_;

	return $n >= 100 ? sprintf('%.0f', $n) : sprintf('%.3f', $n);
}

# Whether --only asks for the row
sub wanted
{
	my ($name) = @_;
	my $only = option('only');

	return $only eq '' || $name =~ /$only/;
}

# measure(name, contestant => code, ...): each contestant once a round, in turn, the order reversed every
# other round. What each took, a list; nothing if the row is not wanted.
sub measure
{
	my ($name, @pairs) = @_;
	my %run = @pairs;
	my @names = grep { ref ne 'CODE' } @pairs;
	my %seen;

	return unless wanted($name);
	foreach my $round (1 .. option('rounds'))
	{
		push @{ $seen{$_} }, $run{$_}->() foreach $round % 2 ? @names : reverse @names;
	}
	say_now("$name:", join(', ', map { "$_ " . number(median(@{ $seen{$_} })) } @names));
	return %seen;
}

# compare(name => , unit => , why => , rest => , goals => [other, operator, ratio]..., run => [contestant => code...])
# makes a row of the table. A goal may be [other] alone: a ratio to look at. rest: what the remaining time is
# spent on, printed when a goal is missed.
sub compare
{
	my (%row) = @_;
	my %seen = measure($row{name}, @{ $row{run} }) or return;

	add_row(%row, seen => \%seen);
}

# The ratio to one other contestant, the smallest and the largest of a single round, and whether the goal,
# if there is one, is met
sub judge
{
	my ($seen, $other, $operator, $wanted) = @_;
	my @ratios = sort { $a <=> $b } map { $seen->{ours}[$_] / $seen->{$other}[$_] } 0 .. $#{ $seen->{ours} };
	my $ours = median(@{ $seen->{ours} });
	my $theirs = median(@{ $seen->{$other} });
	my $ratio = $ours / $theirs;
	my %verdict = (ours => $ours, other => $other, theirs => $theirs, ratio => $ratio, least => $ratios[0], most => $ratios[-1]);
	my $met;

	return { %verdict, goal => '', met => '' } unless defined $operator;
	$met = $operator eq '>=' ? $ratio >= $wanted : $ratio <= $wanted;
	return { %verdict, goal => "$operator " . sprintf('%.2f', $wanted), met => $met ? 'met' : 'MISSED' };
}

sub add_row
{
	my (%row) = @_;

	push @rows, { %row, verdicts => [ map { judge($row{seen}, @$_) } @{ $row{goals} } ] };
}

sub print_table
{
	my $layout = "%-30s %-4s %9s  %-7s %9s %6s  %-11s %-8s %s\n";
	my @head = ('work', 'unit', 'ours', 'other', '', 'ratio', 'of a round', 'goal', '');

	printf "\n$layout", @head;
	foreach my $row (@rows)
	{
		my @left = ($row->{name}, $row->{unit});

		foreach my $v (@{ $row->{verdicts} })
		{
			printf $layout, @left, number($v->{ours}), $v->{other}, number($v->{theirs}), sprintf('%.2f', $v->{ratio}),
			  sprintf('%.2f-%.2f', $v->{least}, $v->{most}), $v->{goal}, $v->{met};
			@left = ('', '');
		}
		print "    $row->{why}\n";
		print "    Not met: ", $row->{rest} // 'not analysed', "\n" if grep { $_->{met} eq 'MISSED' } @{ $row->{verdicts} };
	}
	print "\n";
}

sub quoted
{
	my ($text) = @_;

	return '"' . $text =~ s/"/""/gr . '"';
}

# write_csv(file, header, rows of values)
sub write_csv
{
	my ($file, @lines) = @_;

	open(my $csv, '>', $file) or die "$file: $!";
	print $csv join(',', map { /^[-\w. ]*$/ ? $_ : quoted($_) } @$_), "\n" foreach @lines;
	close($csv) or die "$file: $!";
}

sub explanation
{
	my ($row, $verdict) = @_;

	return $verdict->{met} eq 'MISSED' ? "$row->{why}; not met: " . ($row->{rest} // 'not analysed') : $row->{why};
}

# The rows of the table as lists
sub table_values
{
	my @lines = ([qw(work unit ours other other_value ratio least_ratio most_ratio goal result explanation)]);

	foreach my $row (@rows)
	{
		push @lines, map { [ $row->{name}, $row->{unit}, @$_{qw(ours other theirs ratio least most goal met)}, explanation($row, $_) ] }
		  @{ $row->{verdicts} };
	}
	return @lines;
}

sub drop_database
{
	my ($database) = @_;

	sql("DROP DATABASE IF EXISTS $database WITH (FORCE);", database => 'postgres');
}

# A fresh database with our rows in it
sub set_up_database
{
	my ($database, $apartments, $licenses) = @_;

	say_now("setting up $database: $apartments apartments, $licenses licences");
	drop_database($database);
	sql("CREATE DATABASE $database TEMPLATE $template;", database => 'postgres');
	run_script("$FindBin::RealBin/ours.sql", database => $database, apartments => $apartments);
	grow_licenses($database, 0, $licenses);
}

sub grow_licenses
{
	my ($database, $present, $licenses) = @_;

	run_script("$FindBin::RealBin/licenses.sql", database => $database, present => $present, licenses => $licenses);
}

1;
