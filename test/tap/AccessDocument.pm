# The tables of docs/access.md, which say what each level may do.
package AccessDocument;

use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Utils;

our @LEVELS = qw(provider distributor partner customer reader service operator);

# The accounts of access_matrix.sql, and which of them lie below the account of a grant
our @ACCOUNTS = (910, 920, 921, 930, 931, 940);
my %below = (920 => { 920 => 1, 921 => 1 }, 930 => { 930 => 1, 931 => 1 });

# The rows below each heading that begins with one of these words: [ first cell, other cells... ]
sub read_tables
{
	my %tables = ('function' => [], 'table or view' => [], 'table' => []);
	my $current;

	foreach my $line (split /\n/, slurp_file("$FindBin::RealBin/../../docs/access.md"))
	{
		my @cells = $line =~ /^\|/ ? map { s/^\s+|\s+$//gr } split /\|/, $line =~ s/^\||\|$//gr : ();

		$current = @cells ? $current // $tables{ $cells[0] } // [] : undef;
		push @$current, \@cells if @cells && $cells[0] !~ /^-+$/ && !exists $tables{ $cells[0] };
	}
	return %tables;
}

sub levels_of
{
	my ($cells) = @_;
	my ($name) = $cells->[0] =~ /^`([^`]+)`/ or die "no name in: $cells->[0]";
	my %may;

	die "$name has not one cell a level" unless @$cells == @LEVELS + 1;
	@may{@LEVELS} = @$cells[ 1 .. @LEVELS ];
	return ($name, \%may);
}

sub new
{
	my ($class) = @_;
	my %tables = read_tables();
	my $self = bless { columns => {} }, $class;

	$self->{functions} = { map { levels_of($_) } @{ $tables{function} } };
	$self->{tables} = { map { levels_of($_) } @{ $tables{'table or view'} } };
	foreach my $row (@{ $tables{table} })
	{
		my ($table, $command, @columns) = map { /`?(\w+)`?/g } @$row;

		$self->{columns}{$table}{$command} = { map { $_ => 1 } @columns };
	}
	return $self;
}

# The row of a function: that of its own name, else the longest pattern it matches
sub function_row
{
	my ($self, $name) = @_;
	my @patterns = sort { length $b <=> length $a } grep { /\*/ } keys %{ $self->{functions} };

	return $name if $self->{functions}{$name};
	return (grep { my $p = quotemeta($_) =~ s/\\\*/.*/gr; $name =~ /^$p$/ } @patterns)[0];
}

# Does a grant [ level, account or undef ] hold in the account?
sub holds_in
{
	my ($grant, $account) = @_;

	return !defined $grant->[1] || $below{ $grant->[1] }{$account};
}

# May a role with these grants call the function for that account?
sub may_call
{
	my ($self, $name, $grants, $account) = @_;
	my $row = $self->{functions}{ $self->function_row($name) };

	return (grep {
			my $cell = $row->{ $_->[0] };
			$cell eq 'yes' || $cell eq 'all' || ($cell eq 'own' && holds_in($_, $account))
	} @$grants) > 0;
}

# May it run the command (S, I, U, D) on rows of that account; without an account, on the table at all?
sub may_touch
{
	my ($self, $table, $command, $grants, $account) = @_;

	return (grep {
			$self->{tables}{$table}{ $_->[0] } =~ /$command/ && (!defined $account || holds_in($_, $account))
	} @$grants) > 0;
}

# May a role of that level do so with the column?
sub may_use_column
{
	my ($self, $table, $command, $level, $column) = @_;
	my $columns = $self->{columns}{$table}{$command};

	return 0 unless $self->{tables}{$table}{$level} =~ /$command/;
	return $level eq 'provider' || !$columns || $columns->{$column} ? 1 : 0;
}

1;
