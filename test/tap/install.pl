# Installing gives nobody power: a schema that others own, may create in or have put something into is refused. And
# what is left when the extension is dropped is no hindrance to install it again.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('install');
my $create = 'CREATE EXTENSION license_ext';

sub answer
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

# In a database of its own that belongs to mallory, who is no superuser, and whom $prepared lets prepare things
sub refused
{
	my ($name, $prepared, $message, $what) = @_;

	answer('postgres', "CREATE DATABASE $name OWNER mallory");
	answer($name, $prepared);
	my ($status, $out, $err) = $node->psql($name, "\\set VERBOSITY verbose\n$create");
	like($err, qr/ERROR:  55000: $message/, $what);
	is(answer($name, "SELECT count(*) FROM pg_extension WHERE extname = 'license_ext'"), '0', "$name: nothing is installed");
}

my $planted = <<'SQL';
CREATE FUNCTION license.attach_seat_limit(text, text, text, text, text DEFAULT '') RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; END $$;
SQL
answer('postgres', 'CREATE ROLE mallory; CREATE ROLE friend');
refused('owned', 'CREATE SCHEMA license AUTHORIZATION mallory', 'schema "license" belongs to role "mallory"',
	'a schema of somebody else is refused');
refused('planted', "SET ROLE mallory; CREATE SCHEMA license; $planted RESET ROLE; ALTER SCHEMA license OWNER TO CURRENT_USER",
	'function license.attach_seat_limit\\(.*\\) belongs to role "mallory"', 'a function that was planted is refused');
refused('typed', 'CREATE SCHEMA license; CREATE TYPE license.license_status AS ENUM (); ALTER TYPE license.license_status OWNER TO mallory',
	'type license.license_status belongs to role "mallory"', 'so is a type');
refused('shared', 'CREATE SCHEMA license; GRANT CREATE ON SCHEMA license TO friend', 'role "friend" may create objects in schema "license"',
	'a schema that others may create in is refused');
refused('open', 'CREATE SCHEMA license; GRANT ALL ON SCHEMA license TO PUBLIC', 'role "public" may create', 'or everybody may');
is(answer('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'and nothing planted has run');

answer('postgres', 'CREATE DATABASE fine OWNER mallory');
answer('fine', "CREATE SCHEMA license; CREATE VIEW license.mine AS SELECT 1; $create");
is(answer('fine', "SELECT count(*) FROM pg_proc WHERE proname = '_require_own_schema'"), '0', 'a schema of a superuser will do, with what superusers have in it');

# pgcrypto may be in the same schema.
answer('postgres', 'CREATE DATABASE crypto');
answer('crypto', "CREATE SCHEMA license; CREATE EXTENSION pgcrypto SCHEMA license; $create");
is(answer('crypto', "SELECT count(*) FROM pg_extension"), '3', 'so will members of other extensions');

# Dropped and made again
answer('crypto', 'CREATE TABLE hall (hall_id int PRIMARY KEY, places int, taken int NOT NULL DEFAULT 0);
	CREATE TABLE ticket (hall_id int CONSTRAINT ticket_hall_fkey REFERENCES hall);
	SELECT license.attach_seat_limit(\'ticket\', \'ticket_hall_fkey\', \'taken\', \'places\');
	SELECT license.grant_access(\'friend\', \'customer\')');
my ($status, $out, $err) = $node->psql('crypto', 'DROP EXTENSION license_ext');
like($err, qr/trigger ticket_hall_fkey_seat_row on table ticket depends on/, 'the application\'s triggers are told of before they go');
answer('crypto', 'DROP EXTENSION license_ext CASCADE; INSERT INTO hall VALUES (1, 0); INSERT INTO ticket VALUES (1)');
is(answer('crypto', "SELECT count(*) FROM pg_trigger WHERE tgfoid = 0 OR NOT tgisinternal"), '0', 'dropped with them, the tables stay');
answer('crypto', $create);
is(answer('crypto', 'SELECT count(*) FROM license.access'), '0', 'and it can be installed again');

# Only pg_cron's own function is called to schedule.
answer('fine', <<'SQL');
SET ROLE mallory;
CREATE SCHEMA cron;
CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN 1; END $$;
SQL
($status, $out, $err) = $node->psql('fine', 'SELECT license.schedule()');
like($err, qr/ERROR:  .*pg_cron/, 'a schema named cron is not taken for pg_cron');
is(answer('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'nor has what is in it run');

$node->stop;
done_testing();
