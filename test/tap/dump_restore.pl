# Nothing is lost and nothing is made up by pg_dump and restore, whatever the format and without
# any flag: every row of every table, counters, ids, rules and grants.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('dump_restore');
my $dumps = $node->basedir;

sub answer
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

sub sqlstate_is
{
	my ($database, $sql, $sqlstate, $what) = @_;
	my ($status, $out, $err) = $node->psql($database, $sql, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);

	like($err, qr/ERROR:\s+$sqlstate/, "$database: $what");
}

my @catalogue = (['module', 'module'], ['offer', 'sku'], ['notice_stage', 'stage']);
my %as_shipped = map { $_->[0] => answer('postgres', "SELECT jsonb_object_agg($_->[1], to_jsonb(t)) FROM license.$_->[0] t") } @catalogue;

LicenseTest::fill($node, 'postgres');
answer('postgres', <<'SQL');
CREATE ROLE reporter;
GRANT USAGE ON SCHEMA license TO reporter;
GRANT SELECT ON license.license, license.seat TO reporter;
GRANT SELECT (account_id, name), UPDATE (name) ON license.account TO reporter WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION license.next_id() TO reporter;
GRANT USAGE ON SEQUENCE license.id_seq TO reporter;
SQL

is( answer('postgres', <<'SQL'),
SELECT c.relname FROM pg_class c JOIN pg_extension e ON e.extname = 'license_ext'
WHERE c.relnamespace = 'license'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'm') AND c.oid <> ALL (e.extconfig)
SQL
	'', 'every table and sequence is registered with pg_extension_config_dump');

# A new column of a catalogue table is only tested once fill.sql edits it in a shipped row.
foreach my $table (@catalogue)
{
	my ($name, $key) = @$table;

	is( answer('postgres', <<SQL), '', "every column of a shipped $name was edited");
WITH shipped AS (SELECT * FROM jsonb_each('@{[ $as_shipped{$name} =~ s/'/''/gr ]}'))
SELECT column_name FROM information_schema.columns c
WHERE table_schema = 'license' AND table_name = '$name' AND column_name NOT IN ('$key', 'shipped', 'scheduled')
    AND NOT EXISTS (SELECT 1 FROM license.$name t JOIN shipped s ON s.key = t.${key}::text
        WHERE s.value -> column_name IS DISTINCT FROM to_jsonb(t) -> column_name::text)
SQL
}

my @tables = (LicenseTest::tables($node, 'postgres'), 'public.hall', 'public.ticket');
cmp_ok(scalar @tables, '>=', 26, 'the tables are there');

sub contents
{
	my ($database) = @_;

	return { map { /^([^|]+)\|(.*)$/ } split /\n/, LicenseTest::contents($node, $database, @tables) };
}

my $original = contents('postgres');
unlike($original->{$_}, qr/^0\|/, "$_ has rows to lose") foreach @tables;

my $grants = <<'SQL';
SELECT string_agg(acl, chr(10) ORDER BY acl) FROM (
    SELECT c.relname || ' ' || unnest(c.relacl)::text FROM pg_class c WHERE c.relnamespace = 'license'::regnamespace
    UNION ALL SELECT a.attrelid::regclass || '.' || a.attname || ' ' || unnest(a.attacl)::text FROM pg_attribute a WHERE a.attacl IS NOT NULL
    UNION ALL SELECT p.oid::regprocedure || ' ' || unnest(p.proacl)::text FROM pg_proc p WHERE p.pronamespace = 'license'::regnamespace
    UNION ALL SELECT n.nspname || ' ' || unnest(n.nspacl)::text FROM pg_namespace n WHERE n.nspname = 'license') g (acl)
SQL
my $original_grants = answer('postgres', $grants);
like($original_grants, qr/^seat reporter=r/m, 'there are grants to lose');

# The highest id in any row, over all columns that hold ids
my $highest_id = answer('postgres', <<'SQL');
SELECT max((xpath('/row/m/text()', query_to_xml(format('SELECT max(%I) AS m FROM %s', a.attname, a.attrelid::regclass),
    false, true, '')))[1]::text::bigint)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'license'::regnamespace AND c.relkind = 'r' AND a.attname LIKE '%\_id' AND a.atttypid = 'bigint'::regtype
SQL

sub check_restored
{
	my ($database) = @_;
	my $restored = contents($database);

	is($restored->{$_}, $original->{$_}, "$database: every row of $_") foreach @tables;
	is(answer($database, 'SELECT * FROM license.check_seats()'), '', "$database: counters are right");
	is(answer($database, $grants), $original_grants, "$database: grants");
	is(answer($database, 'SELECT license.is_valid_key(key::text) FROM license.license GROUP BY 1'), 't', "$database: keys");
	is( answer($database, 'SELECT extconfig::regclass[]::text FROM pg_extension WHERE extname = \'license_ext\''),
		answer('postgres', 'SELECT extconfig::regclass[]::text FROM pg_extension WHERE extname = \'license_ext\''),
		"$database: what the next dump will save");

	sqlstate_is($database, "INSERT INTO license.device (account_id, site_id, apartment_id, device_code) VALUES (4, 11, 21, '500')",
		'LX001', 'M11: the fifth phone is refused');
	sqlstate_is($database, 'UPDATE license.license_pool SET maximum = 1 WHERE license_id = 88 AND pool = \'device\'',
		'LX032', 'O32: a pool cannot fall below its use');
	sqlstate_is($database, 'INSERT INTO ticket VALUES (9, 1, 1)', 'LX001', 'the application\'s own limit holds');
	sqlstate_is($database, "UPDATE license.license SET status = 'in_use' WHERE license_id = 85", 'LX003', 'O26: statuses');
	sqlstate_is($database, 'DELETE FROM license.event', 'LX050', 'O34: history');
	sqlstate_is($database, "DELETE FROM license.offer WHERE sku = 'OCTOPUS'", '55000', 'shipped rows are known as such');

	answer($database, 'DELETE FROM license.device WHERE account_id = 4 AND device_id = 44');
	is(answer($database, 'SELECT seats_used FROM license.apartment WHERE apartment_id = 21'), '3', "$database: counting goes on");
	cmp_ok(answer($database, 'SELECT license.next_id()'), '>', $highest_id, "$database: ids go on");
}

$node->command_ok([ 'pg_dump', '-f', "$dumps/plain.sql", 'postgres' ], 'pg_dump');
answer('postgres', 'CREATE DATABASE plain');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$dumps/plain.log", '-f', "$dumps/plain.sql", 'plain' ], 'psql restores it');
check_restored('plain');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/custom.dump", 'postgres' ], 'pg_dump, custom format');
answer('postgres', 'CREATE DATABASE custom');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'custom', "$dumps/custom.dump" ], 'pg_restore');
check_restored('custom');

# The application's tables and the extension are there already, with their triggers.
$node->command_ok([ 'pg_dump', '--schema-only', '-f', "$dumps/schema.sql", 'postgres' ], 'pg_dump, schema only');
$node->command_ok([ 'pg_dump', '--data-only', '-f', "$dumps/data.sql", 'postgres' ], 'pg_dump, data only');
answer('postgres', 'CREATE DATABASE data_only');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$dumps/data.log", '-f', "$dumps/schema.sql", '-f', "$dumps/data.sql", 'data_only' ],
	'psql restores both');
check_restored('data_only');

# A dump of a restored database, once more: what was kept once is kept for good. pg_dump does not tell a
# parallel restore which table's data another table's foreign keys wait for, and an extension's keys are
# there from the start; so the data takes one job, and the rest may take many.
answer('postgres', 'CREATE DATABASE source');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$dumps/source.log", '-f', "$dumps/plain.sql", 'source' ], 'restored again');
$node->command_ok([ 'pg_dump', '-Fd', '-j', '2', '-f', "$dumps/again", 'source' ], 'and dumped, in parallel');
answer('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--section', $_, '-j', $_ eq 'data' ? 1 : 2, '-d', 'again', "$dumps/again" ], "and restored: $_")
  foreach 'pre-data', 'data', 'post-data';
check_restored('again');

$node->stop;
done_testing();
