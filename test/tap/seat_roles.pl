# Counted tables of an application are written by its own roles: they need the privileges on these tables and none on
# anything of the extension.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('seat_roles');

# Each call is a fresh connection: nothing was looked up by somebody mightier.
sub as_role
{
	my ($role, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql,
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=1' ]);

	$err =~ s/^psql:[^ ]* //mg;
	return $status == 0 ? $out : $err;
}

sub used
{
	return $node->safe_psql('postgres', "SELECT string_agg(id || ':' || used, ' ' ORDER BY id) FROM shop.org");
}

# What a role does, and the seats that are taken afterwards
sub does
{
	my ($role, $sql, $used, $what) = @_;

	is(as_role($role, $sql), '', "K1: $role $what");
	is(used(), $used, "K1: the count is right after $role $what");
}

sub refused
{
	my ($role, $sql, $error, $what) = @_;
	my $before = used();

	like(as_role($role, $sql), $error, "K1: $role $what");
	is(used(), $before, "K1: no count changes when $role $what");
}

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE owner LOGIN;
CREATE ROLE webapp LOGIN;
CREATE ROLE writer LOGIN;
CREATE SCHEMA shop AUTHORIZATION owner;
GRANT USAGE ON SCHEMA shop TO webapp, writer;
SET ROLE owner;
CREATE TABLE shop.org (id int PRIMARY KEY, seats int, used int NOT NULL DEFAULT 0, CONSTRAINT org_used_check CHECK (used >= 0));
CREATE TABLE shop.mem (id int PRIMARY KEY, org int CONSTRAINT mem_org_fkey REFERENCES shop.org ON DELETE CASCADE ON UPDATE CASCADE, weight int NOT NULL DEFAULT 1);
GRANT ALL ON shop.org, shop.mem TO webapp;
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.mem TO writer;
RESET ROLE;
SELECT license.attach_seat_limit('shop.mem', 'mem_org_fkey', 'used', 'seats', 'weight');
SQL

for my $role ('owner', 'webapp')
{
	is($node->safe_psql('postgres', "SELECT has_schema_privilege('$role', 'license', 'USAGE')"), 'f', "K1: $role has no privilege on schema license");
	$node->safe_psql('postgres', 'SET session_replication_role = replica; DELETE FROM shop.mem; DELETE FROM shop.org');
	does($role, 'INSERT INTO shop.org VALUES (1, 3, 9), (2, 3, 0), (3, NULL, 0)', '1:0 2:0 3:0', 'inserts parents');
	does($role, 'INSERT INTO shop.mem VALUES (1, 1), (2, 1), (3, 2)', '1:2 2:1 3:0', 'inserts children');
	refused($role, 'INSERT INTO shop.mem VALUES (4, 1), (5, 1)', qr/LX001/, 'exceeds a limit');
	does($role, 'UPDATE shop.mem SET org = 2 WHERE id = 2', '1:1 2:2 3:0', 'updates a key');
	does($role, 'UPDATE shop.mem SET weight = 2 WHERE id = 2', '1:1 2:3 3:0', 'updates a weight');
	does($role, 'DELETE FROM shop.mem WHERE id = 3', '1:1 2:2 3:0', 'deletes a child');
	does($role, 'UPDATE shop.org SET seats = 5 WHERE id = 2', '1:1 2:2 3:0', 'raises a limit');
	does($role, 'UPDATE shop.org SET seats = 2 WHERE id = 2', '1:1 2:2 3:0', 'lowers a limit');
	does($role, 'UPDATE shop.org SET seats = NULL WHERE id = 2', '1:1 2:2 3:0', 'takes a limit away');
	does($role, 'UPDATE shop.org SET seats = 2 WHERE id = 2', '1:1 2:2 3:0', 'sets a limit');
	refused($role, 'UPDATE shop.org SET seats = 1 WHERE id = 2', qr/LX032/, 'lowers a limit below use');
	refused($role, 'UPDATE shop.org SET id = 20 WHERE id = 2', qr/23503/, 'updates the key of a parent with seats');
	does($role, 'UPDATE shop.org SET id = 30 WHERE id = 3', '1:1 2:2 30:0', 'updates the key of a parent without seats');
	does($role, "COPY shop.mem (id, org) FROM stdin;\n6\t1\n7\t1\n\\.\n", '1:3 2:2 30:0', 'copies children in');
	does($role, 'INSERT INTO shop.mem VALUES (6, 30) ON CONFLICT (id) DO UPDATE SET org = excluded.org', '1:2 2:2 30:1', 'inserts on conflict');
	does($role, 'MERGE INTO shop.mem m USING (VALUES (6, 1), (8, 30)) v (id, org) ON m.id = v.id'
		  . ' WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.org)', '1:2 2:2 30:1', 'merges');
	does($role, 'DELETE FROM shop.org WHERE id = 30', '1:2 2:2', 'deletes a parent with seats');
	does($role, 'DISCARD ALL; INSERT INTO shop.mem VALUES (9, 1)', '1:3 2:2', 'inserts after DISCARD ALL');
	does($role, 'INSERT INTO shop.mem VALUES (10, NULL); DISCARD ALL; UPDATE shop.org SET seats = 4 WHERE id = 1', '1:3 2:2', 'raises a limit after DISCARD ALL');
	does($role, 'TRUNCATE shop.mem', '1:0 2:0', 'truncates');
}

# Only the child: its parents are written all the same, and cannot be looked into.
$node->safe_psql('postgres', "INSERT INTO shop.org VALUES (7, 2)");
does('writer', 'INSERT INTO shop.mem VALUES (1, 7)', '1:0 2:0 7:1', 'without a privilege on the parent, inserts a child');
does('writer', 'UPDATE shop.mem SET org = 1', '1:1 2:0 7:0', 'without a privilege on the parent, updates a key');
does('writer', 'DELETE FROM shop.mem', '1:0 2:0 7:0', 'without a privilege on the parent, deletes a child');

# A parent whose own triggers see each count is written by a statement.
$node->safe_psql('postgres', <<'SQL');
SET ROLE owner;
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER note BEFORE UPDATE ON shop.org FOR EACH ROW EXECUTE FUNCTION shop.note();
SQL
does('writer', 'INSERT INTO shop.mem VALUES (1, 7)', '1:0 2:0 7:1', 'inserts a child of a parent that has triggers');
does('writer', 'DELETE FROM shop.mem', '1:0 2:0 7:0', 'deletes a child of a parent that has triggers');

done_testing();
