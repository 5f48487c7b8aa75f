# Who may do what: every function, table and view of schema license, as every level, tried in fresh connections
# of ordinary login roles. What is expected stands in docs/access.md; here stands how to try it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use AccessDocument;
use AccessStatements;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'time';

my $document = AccessDocument->new;
my @accounts = @AccessDocument::ACCOUNTS;
my $node = LicenseTest::new_node('access_matrix');

$node->safe_psql('postgres', 'CREATE EXTENSION pgcrypto');

# Two connections that write the same rows may deadlock: then they have reached them, and should not wait long.
$node->append_conf('postgresql.conf', "deadlock_timeout = '20ms'");
$node->reload;
$node->psql('postgres', slurp_file("$FindBin::RealBin/access_matrix.sql"), on_error_die => 1);

sub ask
{
	return $node->safe_psql('postgres', shift);
}

my %key = map { split /\|/ } split /\n/, ask('SELECT account_id, key FROM license.license WHERE license_id = 6');

# Which column names the account; other tables belong to none.
my %account_column = ((map { $_ => 'account_id' } split /\n/, ask(<<'SQL')), voucher => 'redeemed_account_id');
SELECT relname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attname = 'account_id'
WHERE relnamespace = 'license'::regnamespace AND relkind IN ('r', 'v') AND relname NOT IN ('access', 'offer_price')
SQL

# What there is: functions as name => [ name, signature, returns a trigger, argument types ], tables as name => kind, columns and keys
my %functions;
push @{ $functions{ $_->[0] } }, $_ foreach map { [ split /\|/, $_, -1 ] } split /\n/, ask(<<'SQL');
SELECT proname, oid::regprocedure, prorettype = 'trigger'::regtype,
    array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) t), ',')
FROM pg_proc WHERE pronamespace = 'license'::regnamespace ORDER BY 2
SQL
my %kind = map { split /\|/ } split /\n/, ask(<<'SQL');
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')
SQL
my %confined = map { $_ => 1 } split /\n/, ask("SELECT relname FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relrowsecurity");
my %columns;
push @{ $columns{ $_->[0] } }, $_->[1] foreach map { [ split /\|/ ] } split /\n/, ask(<<'SQL');
SELECT relname, attname FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'license'::regnamespace AND relkind IN ('r', 'v') ORDER BY attrelid, attnum
SQL
my %primary_key = map { split /\|/ } split /\n/, ask(<<'SQL');
SELECT relname, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
FROM pg_class c JOIN pg_index ON indrelid = c.oid AND indisprimary JOIN pg_attribute ON attrelid = c.oid AND attnum = ANY (indkey)
WHERE relnamespace = 'license'::regnamespace GROUP BY relname
SQL

# The document and this file know everything there is, and nothing else.
sub same_names
{
	my ($name, $got, $expected) = @_;
	my %got = map { $_ => 1 } @$got;
	my %expected = map { $_ => 1 } @$expected;
	my @wrong = ((map { "$_ is missing" } grep { !$got{$_} } sort keys %expected), map { "$_ does not exist" } grep { !$expected{$_} } sort keys %got);

	is(join(', ', @wrong), '', $name);
}

my @ordinary = grep { $_ !~ /^(_|license_key_|granted_role_)/ } keys %functions;
same_names('docs/access.md names every function of schema license, and no other', [ grep { !/^_|\*/ } keys %{ $document->{functions} } ], \@ordinary);
is(join(', ', grep { !defined $document->function_row($_) } sort keys %functions), '', 'docs/access.md has a row for every internal function');
is(join(', ', grep { !/\*/ && !$functions{$_} } sort keys %{ $document->{functions} }), '', 'docs/access.md names no internal function that does not exist');
same_names('docs/access.md names every table and view of schema license, and no other', [ keys %{ $document->{tables} } ], [ keys %kind ]);
same_names('the matrix calls every function', [ keys %calls ], \@ordinary);
same_names('the matrix inserts into every table', [ keys %inserts ], [ grep { $kind{$_} eq 'r' } keys %kind ]);
foreach my $table (sort keys %{ $document->{columns} })
{
	my %exists = map { $_ => 1 } @{ $columns{$table} // [] };

	is(join(', ', grep { !$exists{$_} } map { keys %$_ } values %{ $document->{columns}{$table} }),
		'', "docs/access.md: all columns named for table $table exist");
}

# The rows of each table and account, which is what COPY may write out
my (%rows, @empty);
foreach my $table (sort keys %kind)
{
	my $column = $account_column{$table};

	$rows{$table} = { map { split /\|/ } split /\n/, ask('SELECT ' . ($column // "'any'") . ", count(*) FROM license.$table GROUP BY 1") };
	push @empty, map { "$table in $_" } grep { $table ne 'access' && !$rows{$table}{$_} } $column ? @accounts : 'any';
}
is(join(', ', @empty), '', 'each account has a row in every table and view');

# Roles: who logs in, SET ROLE to what, and the grants that count then
my @confined_levels = qw(distributor partner customer reader service);
my (@roles, @setup);

sub add_role
{
	my ($name, %role) = @_;
	my $acts = $role{set_role} // $name;

	push @roles, { name => $name, grants => [], %role };
	push @setup, "CREATE ROLE $name LOGIN $role{options}" unless $role{existing};
	push @setup, map { sprintf q{SELECT license.grant_access('%s', '%s'%s)}, $name, $_->[0], defined $_->[1] ? ", $_->[1]" : '' }
	  @{ $role{given} // [] };
	push @setup, "CREATE SCHEMA own_$name AUTHORIZATION $name",
	  "SET ROLE $name; CREATE TABLE own_$name.parent (id int PRIMARY KEY, seats int, used int NOT NULL DEFAULT 0, other int NOT NULL DEFAULT 0);"
	  . "CREATE TABLE own_$name.child (id int, parent int CONSTRAINT fk REFERENCES own_$name.parent, other int CONSTRAINT attached REFERENCES own_$name.parent);"
	  . "CREATE FUNCTION own_$name.trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; RESET ROLE",
	  "SELECT license.attach_seat_limit('own_$name.child', 'attached', 'other', 'seats')"
	  unless $role{existing};
}

sub add_level
{
	my ($level, $account) = @_;
	my $grants = [ [ $level, $account ] ];

	add_role($level, options => '', given => $grants, grants => $grants);
	add_role("${level}_member", options => "IN ROLE $level", grants => $grants);
	add_role("${level}_noinherit", options => "NOINHERIT IN ROLE $level");
	add_role("${level}_noinherit", existing => 1, set_role => $level, grants => $grants);
}

push @setup, 'CREATE ROLE matrix_grantee';
add_role('nobody', options => '');
add_level($_, undef) foreach qw(provider operator);
foreach my $level (@confined_levels)
{
	add_level($level, 920);
	add_role("${level}_everywhere", options => '', given => [ [$level] ], grants => [ [$level] ]);
	foreach my $other (grep { $_ ne $level } @confined_levels)
	{
		my $grants = [ [ $level, 920 ], [ $other, 930 ] ];

		add_role("${level}_and_$other", options => '', given => $grants, grants => $grants);
	}
}
$node->safe_psql('postgres', join(";\n", @setup));

# What to try as a role: [ name, statement, may it?, SQLSTATE it must have if not 42501 ]
sub function_trials
{
	my ($role) = @_;
	my @trials;

	foreach my $name (@ordinary)
	{
		my $acts = $role->{set_role} // $role->{name};
		my @for = $calls{$name} =~ /\$(a|key)\b/ ? @accounts : (920);

		foreach my $account (@for)
		{
			my $call = $calls{$name} =~ s/\$key/'$key{$account}'/gr =~ s/\$a/$account/gr =~ s/\$r\b/$acts/gr;

			push @trials, [ "$name in $account", $call =~ /^CALL/ ? $call : "SELECT FROM $call", $document->may_call($name, $role->{grants}, $account) ];
		}
	}
	return @trials, internal_trials($role);
}

sub internal_trials
{
	my ($role) = @_;
	my @trials;

	foreach my $function (map { @$_ } @functions{ grep { /^(_|license_key_|granted_role_)/ } keys %functions })
	{
		my ($name, $signature, $returns_trigger, $types) = @$function;
		my @types = split /,/, $types;
		my $may = $document->may_call($name, $role->{grants}, 920);
		my @values = map { $sample{$_} } @types;

		push @trials,
		  (grep { !defined } @values)
		  ? [ "privilege on $signature", "SELECT 1 WHERE has_function_privilege('$signature', 'EXECUTE')", $may ]
		  : [ $signature, 'SELECT ' . ($returns_trigger eq 't' ? '' : 'count(*) FROM ') . "license.$name(" . join(', ', @values) . ')', $may ];
	}
	return @trials;
}

sub row_trials
{
	my ($role, $table, $account) = @_;
	my $where = defined $account ? " WHERE $account_column{$table} = $account" : '';
	my $column = $updated{$table} // $account_column{$table} // $columns{$table}[0];
	my $insert = ($inserts{$table} // 'DEFAULT VALUES') =~ s/\$a/$account/gr;

	return map { [ "$_->[0] $table" . (defined $account ? " in $account" : ''), $_->[2], $document->may_touch($table, $_->[1], $role->{grants}, $account) ] } (
		[ 'SELECT', 'S', "SELECT FROM license.$table$where" ],
		[ 'INSERT', 'I', "INSERT INTO license.$table $insert" ],
		[ 'UPDATE', 'U', "UPDATE license.$table SET $column = $column$where" ],
		[ 'DELETE', 'D', "DELETE FROM license.$table$where" ]);
}

# The columns that COPY reads or writes, such that every level with the command has them
sub copied_column
{
	my ($table, $command) = @_;
	my $columns = $document->{columns}{$table}{$command};

	return $columns && !$columns->{account_id} ? 'parent_id' : $account_column{$table} // $columns{$table}[0];
}

# How many rows COPY TO writes out as the role
sub copied_rows
{
	my ($role, $table) = @_;
	my $count = 0;

	return $document->may_touch($table, 'S', $role->{grants}) ? $rows{$table}{any} // 0 : 0 unless $account_column{$table};
	foreach my $account (keys %{ $rows{$table} })
	{
		$count += $rows{$table}{$account}
		  if $account ne '' && $document->may_touch($table, 'S', $role->{grants}, $account);
	}
	return $count;
}

sub table_trials
{
	my ($role, $table) = @_;
	my $acts = $role->{set_role} // $role->{name};
	my $may_read = $document->may_touch($table, 'S', $role->{grants});
	my $may_insert = $document->may_touch($table, 'I', $role->{grants});
	my ($from, $into) = map { copied_column($table, $_) } qw(S I);
	my $view = $kind{$table} eq 'v';
	my $foreign_key = $primary_key{$table} // 'a int';
	my $names = join(', ', $foreign_key =~ /(\w+) [^,]+/g);
	my $copied = copied_rows($role, $table);
	my $all = $table eq 'access' ? undef : $copied;

	return (
		[ "COPY $table TO", $view ? "COPY (SELECT $from FROM license.$table) TO STDOUT" : "COPY license.$table ($from) TO STDOUT", $may_read, undef, $all ],
		[ "COPY $table FROM", "COPY license.$table ($into) FROM STDIN", $may_insert, $confined{$table} ? '0A000' : undef ],
		[ "TRUNCATE $table", "TRUNCATE license.$table", 0 ],
		[ "LOCK $table", "LOCK TABLE license.$table IN ACCESS EXCLUSIVE MODE NOWAIT", $document->may_touch($table, 'D', $role->{grants}) ],
		[ "REFERENCES $table", "CREATE TABLE own_$acts.referring ($foreign_key, FOREIGN KEY ($names) REFERENCES license.$table)", 0 ],
		[ "TRIGGER $table", "CREATE TRIGGER mine " . ($view ? 'INSTEAD OF' : 'BEFORE') . " INSERT ON license.$table FOR EACH ROW EXECUTE FUNCTION own_$acts.trigger()", 0 ]);
}

# Each column of each table, as the roles with one level, in their own account
sub column_trials
{
	my ($role, $table) = @_;
	my $level = @{ $role->{grants} } == 1 ? $role->{grants}[0][0] : return;
	my $key = $account_column{$table};
	my $owner = $table eq 'account' ? 'parent_id' : $key;
	my $where = $key ? " WHERE $key = 920" : '';
	my @trials;

	foreach my $column (@{ $columns{$table} })
	{
		my ($select, $insert, $update) = map { $document->may_use_column($table, $_, $level, $column) } qw(S I U);

		push @trials, [ "SELECT $table.$column", "SELECT $column FROM license.$table$where", $select ];
		next if $kind{$table} eq 'v';
		push @trials, [ "INSERT $table.$column", "INSERT INTO license.$table (" . join(', ', $owner && $owner ne $column ? $owner : (), $column)
			  . ') VALUES (' . join(', ', $owner && $owner ne $column ? 920 : (), $owner && $column eq $owner ? 920 : 'DEFAULT') . ')', $insert ];
		push @trials, [ "UPDATE $table.$column", "UPDATE license.$table SET $column = DEFAULT$where", $update ];
	}
	return @trials;
}

sub trials
{
	my ($role) = @_;
	my @trials = (function_trials($role), map { [ $_->[0], $_->[1], 0 ] } (
			[ 'SELECT id_seq', 'SELECT FROM license.id_seq' ], [ 'nextval id_seq', q{SELECT nextval('license.id_seq')} ],
			[ 'CREATE in schema license', 'CREATE TABLE license.mine ()' ]));

	foreach my $table (sort keys %kind)
	{
		push @trials, map { row_trials($role, $table, $_) } $account_column{$table} ? @accounts : undef;
		push @trials, table_trials($role, $table), column_trials($role, $table);
	}
	return @trials;
}

# One statement of a script, in a transaction of its own that is rolled back when the next begins. It prints
# "= SQLSTATE rows"; COPY TO prints its rows before.
sub script
{
	my ($statement) = @_;
	my $run = "ROLLBACK\\; BEGIN\\; $statement;\n";

	$run = "\\o\n$run\\o /dev/null\n" if $statement =~ /TO STDOUT$/;
	$run .= "\\.\n" if $statement =~ /FROM STDIN$/;
	return "$run\\echo = :SQLSTATE :ROW_COUNT\n";
}

# Starts psql as the role, in one connection for all of its trials, and answers the process.
sub start
{
	my ($role, $number, @trials) = @_;
	my $base = $node->basedir . "/$number";

	append_to_file("$base.sql", join('', "\\set VERBOSITY verbose\n\\o /dev/null\nSET client_min_messages = error;\n",
			($role->{set_role} ? "SET ROLE $role->{set_role};\n" : ''), map { script($_->[1]) } @trials));
	my $pid = fork() // die "cannot fork: $!";
	return $pid if $pid;
	open(STDOUT, '>', "$base.out") and open(STDERR, '>', "$base.err") or die $!;
	exec('psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-U', $role->{name}, '-d', 'postgres', '-f', "$base.sql");
	die "cannot run psql: $!";
}

# What is wrong with an outcome, '' for nothing. Errors that come before privileges are looked at count as refusals
# only for views, which cannot be written, copied into, referred to or have such triggers.
sub complaint
{
	my ($trial, $state, $count) = @_;
	my ($name, $statement, $may, $wanted_state, $wanted_rows) = @$trial;
	my ($table) = $name =~ /^(?:COPY|LOCK|REFERENCES|TRIGGER|INSERT|UPDATE|DELETE|TRUNCATE) (\w+)/;
	my $view = defined $table && ($kind{$table} // '') eq 'v';
	my $refused = $state eq '42501' || ($view && $state =~ /^(55000|42809|0A000)$/) || ($state eq '00000' && $count == 0 && $statement =~ /^(SELECT|UPDATE|DELETE)/);

	return "$name: $state, $statement" if $state =~ /^(XX|57P|08)/ || ($state =~ /^42(?!8C9)/ && $state ne '42501' && !($view && $state eq '42809'));
	return "$name: " . ($may ? 'refused' : "allowed, $count rows") . " ($state), $statement" if !$may != !!$refused;
	return "$name: $state instead of $wanted_state" if $may && defined $wanted_state && $state ne $wanted_state;
	return "$name: $count rows instead of $wanted_rows" if $may && defined $wanted_rows && $count != $wanted_rows;
	return '';
}

my ($tried, @wrong, %running) = (0);
my $started = time;

sub finish
{
	my ($role, $number, $trials) = @_;
	my $base = $node->basedir . "/$number";
	my $acts = $role->{name} . ($role->{set_role} ? ' SET ROLE' : '');
	my ($copied, @answers) = (0);

	foreach my $line (split /\n/, slurp_file("$base.out"))
	{
		my ($state, $count) = $line =~ /^= (\w+) (\d+)$/;

		$copied++, next unless defined $state;
		push @answers, [ $state, $copied || $count ];
		$copied = 0;
	}
	$tried += @answers;
	push @wrong, "$acts: only " . @answers . ' of ' . @$trials . ' were answered' if @answers != @$trials;
	push @wrong, map { "$acts: $_" } grep { $_ ne '' } map { complaint($trials->[$_], @{ $answers[$_] }) } 0 .. $#answers;
}

# Two connections at a time
foreach my $number (0 .. $#roles + 2)
{
	if ($number >= 2)
	{
		my ($pid, @started) = @{ delete $running{ $number - 2 } };

		waitpid($pid, 0);
		finish(@started);
	}
	if ($number <= $#roles)
	{
		my @trials = trials($roles[$number]);

		$running{$number} = [ start($roles[$number], $number, @trials), $roles[$number], $number, \@trials ];
	}
}

is(scalar @wrong, 0, 'C1, C7, C9, M6, M27, O3, T11: every function, table and view (S1, S6, S8, S9, S13) is open exactly to the levels and in the accounts that docs/access.md says');
diag(join("\n", @wrong[ 0 .. ($#wrong < 19 ? $#wrong : 19) ])) if @wrong;
cmp_ok($tried, '>', 30_000, 'tens of thousands of combinations were tried');
diag(sprintf '%d combinations of role, statement and account tried in %d connections, %.0f s', $tried, scalar @roles, time - $started);

$node->stop;
done_testing();
