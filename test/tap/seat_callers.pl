# K10: the owner of both tables attaches, checks, recounts and detaches with EXECUTE on the functions and USAGE on schema
# license alone; others do not.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('seat_callers');

# A fresh connection of a role; answers output and errors
sub as_role
{
	my ($role, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET lock_timeout = '1s'; $sql",
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);

	$err =~ s/^LOCATION.*\n?//mg;
	return "$out$err";
}

sub answer
{
	my ($sql) = @_;

	my ($status, $out, $err) = $node->psql("postgres", $sql);
	diag($err) if $status;
	return $out;
}

my $check = 'SELECT child, counted, recorded FROM license.check_seats()';

answer(<<'SQL');
CREATE ROLE own LOGIN;
CREATE ROLE other LOGIN;
CREATE ROLE kid LOGIN;
CREATE ROLE vendor LOGIN;
CREATE ROLE jobs LOGIN;
CREATE ROLE outsider LOGIN;
SELECT license.grant_access('vendor', 'provider'), license.grant_access('jobs', 'operator');
GRANT USAGE ON SCHEMA license TO own, other, kid, outsider;
GRANT EXECUTE ON FUNCTION license.attach_seat_limit, license.detach_seat_limit(regclass, name), license.check_seats, license.recount_seats TO own, other, kid;
CREATE SCHEMA s AUTHORIZATION own;
GRANT ALL ON SCHEMA s TO kid;
SET ROLE own;
CREATE TABLE s.p (id int PRIMARY KEY, lim int, used int NOT NULL DEFAULT 0);
CREATE TABLE s.c (id int, p int CONSTRAINT fk REFERENCES s.p);
INSERT INTO s.p VALUES (1, 5);
INSERT INTO s.c VALUES (1, 1);
GRANT REFERENCES ON s.p TO kid;
RESET ROLE;
SET ROLE kid;
CREATE TABLE s.ck (id int, p int CONSTRAINT fk REFERENCES s.p);
RESET ROLE;
INSERT INTO license.account (account_id, name) VALUES (1, 'A');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 10, 'S');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (1, 11, 10, 'X');
SQL

is(as_role('own', "SELECT license.attach_seat_limit('s.c', 'fk', 'used', 'lim')"), '', 'K10: the owner of both tables attaches them without a level');
like(as_role('outsider', 'SELECT license.check_seats()'), qr/42501/, 'K10: without EXECUTE nobody checks');
like(as_role('kid', "SELECT license.attach_seat_limit('s.ck', 'fk', 'used', 'lim')"), qr/42501: must be owner of table p/,
	'K10: the owner of the child alone does not attach');
for my $role ('other', 'vendor')
{
	like(as_role($role, "SELECT license.attach_seat_limit('s.ck'::regclass, 'fk', 'used', 'lim')"), qr/42501: (must be owner of table ck|permission denied for schema s)/,
		"K10: $role, who owns neither table, does not attach");
}
my $c = answer("SELECT 's.c'::regclass::oid");
like(as_role('vendor', "SELECT license.detach_seat_limit($c, 'fk')"), qr/42501: must be owner of table c/, 'K10: a provider who owns neither table does not detach');
like(as_role('other', "SELECT license.detach_seat_limit($c, 'fk')"), qr/42501: must be owner of table c/, 'K10: who owns neither table does not detach');
like(as_role('other', "SELECT license.recount_seats($c)"), qr/42501: must be owner of table c/, 'K10: who owns neither table does not recount');
like(as_role('other', "SELECT license.recount_seats('license.device')"), qr/42501: must be owner of table device/, 'K10: without a level nobody recounts the tables of the extension');
for my $call ("attach_seat_limit(4294967295, 'fk', 'used', 'lim')", "detach_seat_limit(4294967295, 'fk')", 'recount_seats(4294967295)')
{
	like(as_role('other', "SELECT license.$call"), qr/42P01/, "a table that does not exist: $call");
}

answer('SET session_replication_role = replica; UPDATE s.p SET used = 4; UPDATE license.apartment SET seats_used = 3');
is(as_role('own', $check), 's.c|1|4', 'K10: check_seats shows an owner its own tables');
is(as_role('other', $check), '', 'K10: check_seats shows nothing to who owns nothing');
is(as_role('jobs', "$check ORDER BY counted"), "license.device|0|3\ns.c|1|4", 'K10: check_seats shows an operator all tables');
is(as_role('vendor', "$check ORDER BY counted"), "license.device|0|3\ns.c|1|4", 'K10: check_seats shows a provider all tables');
is(as_role('other', 'SELECT license.recount_seats()'), '0', 'K10: recount_seats puts nothing right for who owns nothing');
is(as_role('own', "SELECT license.recount_seats('s.c')"), '1', 'K10: recount_seats puts a table right for its owner');
answer('SET session_replication_role = replica; UPDATE s.p SET used = 4');
is(as_role('own', 'SELECT license.recount_seats()'), '1', 'K10: recount_seats puts only its own tables right for an owner');
answer('SET session_replication_role = replica; UPDATE s.p SET used = 4');
is(as_role('vendor', 'SELECT license.recount_seats()'), '2', 'K10: recount_seats puts all tables right for a provider');

is(as_role('own', "SELECT license.detach_seat_limit('s.c', 'fk')"), '', 'K10: the owner of both tables detaches them without a level');
is(as_role('own', $check), '', 'a detached table is nothing to check');

# S16: a foreign key that is dropped and added again can lead to a table of somebody else, who has given REFERENCES.
is(as_role('own', "SELECT license.attach_seat_limit('s.c', 'fk', 'used', 'lim')"), '', 'the owner of both tables attaches them again');
is(as_role('kid', <<'SQL'), '', 'S16: a role with REFERENCES on a counted parent leads its own counted foreign key there');
CREATE TABLE s.pl (id int PRIMARY KEY, lim int, used int NOT NULL DEFAULT 0);
CREATE TABLE s.cl (id int, p int CONSTRAINT fk REFERENCES s.pl);
SELECT license.attach_seat_limit('s.cl', 'fk', 'used', 'lim');
ALTER TABLE s.cl DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES s.p;
SQL
my $before = answer('SELECT used FROM s.p');
like(as_role('kid', 'INSERT INTO s.cl VALUES (1, 1)'), qr/42501: seats of "cl" cannot be counted in "p"/, 'S16: REFERENCES on a counted parent takes no seat of it');
like(as_role('kid', 'TRUNCATE s.cl'), qr/42501: seats of "cl" cannot be counted in "p"/, 'S16: REFERENCES on a counted parent gives back no seat of it');
is(answer('SELECT used FROM s.p'), $before, 'S16: the count of a parent is not changed by a role that has only REFERENCES');
like(as_role('jobs', "SELECT problem FROM license.check_seats() WHERE child = (SELECT oid FROM pg_class WHERE relname = 'cl')"), qr/cannot be counted in "p"/, 'S16: check_seats shows the counted foreign key of others that was led to a parent');
like(as_role('postgres', "SELECT license.attach_seat_limit('s.ck', 'fk', 'used', 'lim')"), qr/42501: seats of "ck" cannot be counted in "p"/,
	'S16: a superuser does not attach a child whose owner may not update the count');
answer('SET ROLE own; GRANT UPDATE (used) ON s.p TO kid');
is(as_role('kid', 'INSERT INTO s.cl VALUES (1, 1)'), '', 'S16: with UPDATE on the used column, the owner of the child takes a seat');
is(answer('SELECT used FROM s.p'), $before + 1, 'S16: that seat is counted');
is(as_role('kid', 'INSERT INTO s.cl VALUES (2, 1)') . answer('SET ROLE own; REVOKE UPDATE (used) ON s.p FROM kid'), '', 'S16: UPDATE on the used column is taken away again');
like(as_role('kid', 'DELETE FROM s.cl'), qr/42501/, 'S16: without UPDATE on the used column, no seat is given back');

done_testing();
