# S1: nobody becomes a superuser, or sees more than its level shows, by what a role may create itself: types, casts, operators,
# functions, triggers, views, foreign keys, rules. Each is tried by a login role of each level that owns a schema.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest 'as_role';
use PostgreSQL::Test::Utils;
use Test::More;

my @levels = qw(provider distributor partner customer reader service operator);
my $node = LicenseTest::new_node('superuser');

$node->safe_psql('postgres', <<'SQL');
INSERT INTO license.account (account_id, parent_id, kind, name, email) VALUES (1, NULL, 'provider', 'Vendor', NULL),
    (20, 1, 'partner', 'Own', 'licensing@own.example'), (30, 1, 'partner', 'Foreign', 'licensing@foreign.example');
INSERT INTO license.site (account_id, site_id, name) SELECT account_id, 1, 'Site of ' || account_id FROM license.account;
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) SELECT account_id, 2, 1, 'A' FROM license.account;
INSERT INTO license.account_user (account_id, user_id, email) VALUES (20, 3, 'user@own.example'), (30, 3, 'user@foreign.example');
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at)
    SELECT account_id, 6, 'PARTNER-DEMO', 1, 'in_use', now() - interval '1 day', now() + interval '20 days' FROM license.account;
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) SELECT account_id, 6, 'user', 5 FROM license.account;
INSERT INTO license.device (account_id, device_id, device_code) VALUES (20, 4, 'x'), (30, 4, 'x');
INSERT INTO license.partner_offer (account_id, sku) VALUES (20, 'C2TU1');
SQL

# What the role owns: evil() makes a superuser as soon as it runs as anybody else than who logged in.
my $tools = <<'SQL';
CREATE TYPE evil_enum AS ENUM ('x');
CREATE FUNCTION strike() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> session_user THEN
        EXECUTE 'CREATE ROLE pwned SUPERUSER';
    END IF;
END $$;
CREATE FUNCTION evil(evil_enum) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN 1; END$$;
CREATE FUNCTION evil_text(evil_enum) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN 'x'; END$$;
CREATE CAST (evil_enum AS bigint) WITH FUNCTION evil(evil_enum) AS IMPLICIT;
CREATE CAST (evil_enum AS text) WITH FUNCTION evil_text(evil_enum) AS IMPLICIT;
CREATE FUNCTION evil_trigger() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN coalesce(new, old); END$$;
CREATE FUNCTION leak(bigint, text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'leaked % %', $1, $2; PERFORM own.strike(); RETURN true; END$$;
CREATE FUNCTION evil_compare(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN true; END$$;
CREATE FUNCTION evil_compare_text(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN true; END$$;
CREATE FUNCTION evil_add(timestamptz, interval) RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN $1; END$$;
CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil_compare);
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = evil_compare_text);
CREATE OPERATOR <> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil_compare_text);
CREATE OPERATOR + (LEFTARG = timestamptz, RIGHTARG = interval, FUNCTION = evil_add);
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN pg_catalog.now(); END$$;
CREATE FUNCTION lower(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN $1; END$$;
CREATE FUNCTION count(anyelement) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN 1; END$$;
CREATE FUNCTION coalesce_text(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM own.strike(); RETURN $1; END$$;
CREATE DOMAIN evil_domain AS bigint CHECK (leak(VALUE, 'domain'));
CREATE TABLE account (account_id bigint, name text);
CREATE TABLE site (account_id bigint, site_id bigint, name text);
SQL

# [ name, statements, what it must answer: a refusal, or undef where only what it does not reach counts ]
my @refused = (
	[ 'a foreign key to account with its own implicit cast', q{CREATE TABLE own.t (a own.evil_enum REFERENCES license.account); INSERT INTO own.t VALUES ('x')} ],
	[ 'a foreign key to site with its own implicit cast', q{CREATE TABLE own.t (a own.evil_enum, b bigint, FOREIGN KEY (a, b) REFERENCES license.site); INSERT INTO own.t VALUES ('x', 1)} ],
	[ 'a foreign key added to an existing table', q{CREATE TABLE own.t (a bigint); ALTER TABLE own.t ADD FOREIGN KEY (a) REFERENCES license.account} ],
	[ 'a foreign key that it does not check at once', q{CREATE TABLE own.t (a bigint); ALTER TABLE own.t ADD FOREIGN KEY (a) REFERENCES license.account NOT VALID} ],
	[ 'a trigger on account', 'CREATE TRIGGER evil BEFORE UPDATE ON license.account FOR EACH ROW EXECUTE FUNCTION own.evil_trigger()' ],
	[ 'a trigger on event, which operations write', 'CREATE TRIGGER evil BEFORE INSERT ON license.event FOR EACH ROW EXECUTE FUNCTION own.evil_trigger()' ],
	[ 'a constraint trigger on license', 'CREATE CONSTRAINT TRIGGER evil AFTER UPDATE ON license.license DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.evil_trigger()' ],
	[ 'an INSTEAD OF trigger on a view', 'CREATE TRIGGER evil INSTEAD OF UPDATE ON license.legacy_sites FOR EACH ROW EXECUTE FUNCTION own.evil_trigger()' ],
	[ 'a trigger function of ours on its own table', 'CREATE TRIGGER ours AFTER INSERT ON own.account FOR EACH ROW EXECUTE FUNCTION license._event_trg()' ],
	[ 'a rule on account', 'CREATE RULE evil AS ON UPDATE TO license.account DO ALSO SELECT own.strike()' ],
	[ 'a policy of its own', 'CREATE POLICY evil ON license.account USING (own.leak(account_id, name))' ],
	[ 'an index with its own function', 'CREATE INDEX ON license.account (own.lower(name))' ],
	[ 'a CHECK with its own function', 'ALTER TABLE license.account ADD CHECK (own.leak(account_id, name))' ],
	[ 'a DEFAULT with its own function', q{ALTER TABLE license.event ALTER actor SET DEFAULT own.lower('x')} ],
	[ 'extended statistics', 'CREATE STATISTICS own.s (dependencies) ON account_id, parent_id FROM license.account' ],
	[ 'inheriting from account', 'CREATE TABLE own.t () INHERITS (license.account)' ],
	[ 'becoming the parent of account', 'ALTER TABLE license.account INHERIT own.account' ],
	[ 'switching triggers off', 'ALTER TABLE license.account DISABLE TRIGGER ALL' ],
	[ 'switching row-level security off', 'ALTER TABLE license.account DISABLE ROW LEVEL SECURITY' ],
	[ 'the replication role, which fires no triggers', q{SET session_replication_role = replica} ],
	[ 'a publication of our tables', 'CREATE PUBLICATION evil FOR TABLE license.account' ],
	[ 'replacing a function of ours', q{CREATE OR REPLACE FUNCTION license._may(account_id bigint, action text) RETURNS boolean LANGUAGE sql AS 'SELECT true'} ],
	[ 'an overload in our schema', q{CREATE FUNCTION license.next_id(int) RETURNS bigint LANGUAGE sql AS 'SELECT 1'} ],
	[ 'an operator of our type in our schema', q{CREATE OPERATOR license.=== (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = own.evil_compare)} ],
	[ 'a cast from a type of ours', q{CREATE CAST (license.license_key AS bytea) WITH INOUT} ],
	[ 'changing the extension', 'ALTER EXTENSION license_ext ADD TABLE own.account' ],
	[ 'owning one of our functions', 'ALTER FUNCTION license.next_id() OWNER TO CURRENT_USER' ],
	[ 'a comment on our table', q{COMMENT ON TABLE license.account IS 'mine'} ]);

my $paths = 'SET search_path = own, license, pg_catalog';
my $calls = <<'SQL';
SELECT license.acquire_seat('x'::own.evil_enum, 6, 'user', user_id => 3);
SELECT license.acquire_seat(20::own.evil_domain, 6, 'user', user_id => 3);
SELECT license.acquire_seat(20, 6, 'user', user_id => 3);
SELECT license.release_seat(20, 1);
SELECT license.validate('x'::own.evil_enum);
SELECT license.login('licensing@own.example', 'user@own.example', 'x');
SELECT license.quote(20, '{"C2TU1": 2}');
SELECT license.place_order(20, '{"C2TU1": 2}');
SELECT license.create_client(20, 'New');
SELECT license.set_password(20, 3, 'long enough');
SELECT license.migration_blockers(20, 1);
SELECT license.deny_access(20, 6, 'x');
SELECT license.restore_access(20, 6);
SELECT license.renew(20, 6, '1 year');
SELECT license.create_vouchers('9137958', 1);
SELECT license.license_data(20, 6);
SELECT license.site_coverage(20, 1);
SELECT license.expiring('1 year');
SELECT license.sweep();
SELECT license.claim_notices();
SELECT license.check_seats();
SELECT license.purge_denials(pg_catalog.now());
INSERT INTO license.site (account_id, name) VALUES (20, 'New');
INSERT INTO license.account_user (account_id, email) VALUES (20, 'other@own.example');
INSERT INTO license.device (account_id, device_code) VALUES ('x'::own.evil_enum, 'y');
UPDATE license.site SET name = 'Newer' WHERE account_id OPERATOR(pg_catalog.=) 20;
UPDATE license.account_user SET email = 'another@own.example' WHERE account_id OPERATOR(pg_catalog.=) 20 AND user_id OPERATOR(pg_catalog.<>) 3;
DELETE FROM license.apartment;
SQL
my @views = split /\n/, $node->safe_psql('postgres', q{SELECT 'SELECT * FROM ' || oid::regclass || ';' FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind IN ('v', 'r')});

foreach my $level (@levels)
{
	my $role = "evil_$level";
	my $own = "own_$level";
	my $account = $level =~ /provider|operator/ ? '' : ', 20';

	$node->safe_psql('postgres', "CREATE ROLE $role LOGIN; CREATE SCHEMA $own AUTHORIZATION $role; GRANT CREATE ON DATABASE postgres TO $role; SELECT license.grant_access('$role', '$level'$account); CREATE ROLE friend_$level LOGIN");
	my $mine = sub { return $_[0] =~ s/\bown\b(?=[.,])/$own/gr };
	is(as_role($node, $role, $mine->("SET search_path = $own; $tools")), '', "S1: $level creates its own types, casts, operators and functions");

	if ($level eq $levels[0])
	{
		$node->safe_psql('postgres', "CREATE FUNCTION trap() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN PERFORM $own.lower(''x''); END'");
		as_role($node, $role, 'SELECT trap()');
		is($node->safe_psql('postgres', 'DROP ROLE pwned; DROP FUNCTION trap(); SELECT 1'), '1', 'S1: the trap works: what runs as the superuser makes another one');
	}

	like(as_role($node, $role, 'BEGIN;' . $mine->($_->[1]) . '; COMMIT'), qr/^42501/, "S1: $level is refused $_->[0]") foreach @refused;

	# Everything it may call, with its own schema first; each statement by itself, whatever it answers.
	$node->psql('postgres', $mine->("$paths;\n$calls" . join("\n", @views)), extra_params => [ '-q', '-U', $role ], on_error_stop => 0);
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname <> 'postgres'}), '0',
		"S1: $level made no superuser by its own casts, operators and functions in what it calls and reads");

	# A cheap function that tells what it is given runs behind the policies, in a query and in a view
	foreach my $table (qw(account site))
	{
		my (undef, undef, $told) = $node->psql('postgres', $mine->("CREATE VIEW own.v AS SELECT * FROM license.$table; SELECT * FROM license.$table WHERE own.leak(account_id, name); SELECT * FROM own.v WHERE own.leak(account_id, name); DROP VIEW own.v"),
			extra_params => [ '-q', '-U', $role ], on_error_stop => 0);
		$level eq 'provider'
		  ? like($told, qr/leaked 30/, "S1: the provider's own function in a query on $table is given foreign rows")
		  : unlike($told, qr/leaked (1|30) /, "S1: a function of $level in a query on $table is given no foreign row");
	}

	# No level may pass on what it has.
	$node->psql('postgres', "GRANT USAGE ON SCHEMA license TO friend_$level; GRANT SELECT ON license.account TO friend_$level; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA license TO friend_$level",
		extra_params => [ '-q', '-U', $role ], on_error_stop => 0);
	like(as_role($node, "friend_$level", 'SELECT count(*) FROM license.account'), qr/^42501/, "S1: $level cannot pass its privileges on");
	is($node->safe_psql('postgres', "SELECT rolsuper OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = '$role'"), 'f', "S1: $level is no superuser afterwards");
}

# Operations of others must not run what a role left behind: the superuser and every level work with all of these schemas around.
is($node->safe_psql('postgres', q{SELECT count(*) FROM license.check_seats(); SELECT count(*) FROM license.refresh_access(); SELECT finalized FROM license.sweep()}), "0\n7\n0",
	'S1: a superuser checks seats, refreshes access and sweeps afterwards');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname <> 'postgres'}), '0', 'S1: in the end there is one superuser, the one that was there');

$node->stop;
done_testing();
