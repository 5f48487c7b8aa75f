# What belongs to the tables of a counted foreign key (CHECKs, expressions, triggers, policies, casts) runs as the owner
# of that table and as nobody mightier, whoever writes, checks, recounts or attaches.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('seat_owner');

# A fresh connection of a role; answers output and errors
sub as_role
{
	my ($role, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql,
		extra_params => [ ($role ? ('-U', $role) : ()), '-v', 'VERBOSITY=verbose' ]);

	return "$out$err";
}

sub answer
{
	my ($sql) = @_;

	my ($status, $out, $err) = $node->psql("postgres", $sql);
	diag("$sql: $err") if $status;
	return $out;
}

sub works
{
	my ($role, $sql, $what) = @_;

	unlike(as_role($role, $sql), qr/ERROR|WARNING/, $what);
}

sub used
{
	return answer("SELECT string_agg(id || ':' || used, ' ' ORDER BY id) FROM shop.p");
}

# Makes every count wrong, so that a recount has to write.
sub forge
{
	my ($table) = @_;

	answer("SET session_replication_role = replica; UPDATE $table SET used = used + 7");
}

answer(<<'SQL');
CREATE ROLE dev LOGIN;
CREATE ROLE kid LOGIN;
CREATE ROLE webapp LOGIN;
CREATE SCHEMA shop AUTHORIZATION dev;
GRANT ALL ON SCHEMA shop TO kid, webapp;
SQL

# S2: a cast to json of the key's type
works('dev', <<'SQL', 'a type with casts is made by its owner');
SET search_path = shop;
CREATE TYPE e AS ENUM ('x', 'y');
CREATE FUNCTION evil() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'dev' THEN EXECUTE 'ALTER ROLE dev SUPERUSER'; END IF;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
CREATE FUNCTION evil_json(e) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.evil(); RETURN '1'; END $$;
CREATE CAST (e AS json) WITH FUNCTION evil_json(e);
CREATE TABLE pe (id e PRIMARY KEY, lim int, used int NOT NULL DEFAULT 0);
CREATE TABLE ce (id int, p e CONSTRAINT fk REFERENCES pe);
SQL
answer("SELECT license.attach_seat_limit('shop.ce', 'fk', 'used', 'lim')");
answer("INSERT INTO shop.pe VALUES ('x', 1); INSERT INTO shop.ce VALUES (1, 'x')");
forge('shop.pe');
is(answer("SELECT parent_key || '|' || counted || '|' || recorded || '|' || seat_limit || '|' || problem FROM license.check_seats()"),
	'(id)=(x)|1|8|1|the recorded count differs from the rows', 'S2: check_seats shows keys by the output function of their type');
like(as_role('', "INSERT INTO shop.ce VALUES (2, 'x')"), qr/LX001.*Key \(p\)=\(x\)/s, 'S2: so does the error of a limit');
is(answer('SELECT license.recount_seats()'), '1', 'S2: recount_seats puts a count with such keys right');
is(answer("SELECT rolsuper FROM pg_roles WHERE rolname = 'dev'"), 'f', 'S2: no cast of the key type has run as a superuser');
answer('DROP TABLE shop.ce, shop.pe');

# S3: a trigger of the parent that leaves work for COMMIT
my $deferred = <<'SQL';
SET search_path = shop;
CREATE TABLE later (n int);
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.evil(); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.later VALUES (1); RETURN NEW; END $$;
CREATE TABLE pd (id int PRIMARY KEY, lim int, used int NOT NULL DEFAULT 0);
CREATE TABLE cd (id int, p int CONSTRAINT fk REFERENCES pd);
INSERT INTO pd VALUES (1, 5);
INSERT INTO cd VALUES (1, 1);
CREATE TRIGGER leave BEFORE UPDATE ON pd FOR EACH ROW EXECUTE FUNCTION leave();
SQL
works('dev', $deferred, 'a trigger that leaves work for COMMIT is made by its owner');
like(as_role('', "SELECT license.attach_seat_limit('shop.cd', 'fk', 'used', 'lim')"), qr/42501.*deferred trigger/s,
	'S3: attach_seat_limit lets no trigger of the parent leave work for COMMIT');
works('dev', 'ALTER TABLE shop.pd DISABLE TRIGGER leave', 'the trigger is switched off by its owner');
answer("SELECT license.attach_seat_limit('shop.cd', 'fk', 'used', 'lim')");
works('dev', 'ALTER TABLE shop.pd ENABLE TRIGGER leave', 'the trigger is switched on by its owner');
forge('shop.pd');
like(as_role('', "SELECT license.recount_seats('shop.cd')"), qr/42501.*deferred trigger/s,
	'S3: recount_seats lets no trigger of the parent leave work for COMMIT');
is(answer("SELECT rolsuper FROM pg_roles WHERE rolname = 'dev'"), 'f', 'S3: no trigger of the parent has run as a superuser');
works('dev', 'DROP TABLE shop.cd, shop.pd, shop.later CASCADE', 'the tables are dropped by their owner');

# Everything that an owner can put on its tables notes as whom it runs.
works('dev', <<'SQL', 'a parent with code of all kinds is made by its owner');
SET search_path = shop;
CREATE TABLE log (who name, place text);
CREATE FUNCTION write(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.log VALUES (current_user, $1); END $$;
CREATE FUNCTION note(text, int DEFAULT 0) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM shop.write($1); RETURN $2; END $$;
GRANT ALL ON log TO PUBLIC;
CREATE FUNCTION note_trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.note(tg_argv[0]); RETURN NEW; END $$;
CREATE TABLE p (id int PRIMARY KEY, lim int, used int NOT NULL DEFAULT 0, CHECK (note('check', used) >= 0), CHECK (used + note('folded', 1) > 0));
INSERT INTO p VALUES (1, 5), (2, 5);
CREATE INDEX ON p (note('index', used));
CREATE INDEX ON p (lim) WHERE note('predicate', used) >= 0;
ALTER TABLE p ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON p USING (note('policy') IS NOT NULL) WITH CHECK (note('policy') IS NOT NULL);
GRANT UPDATE (used) ON p TO kid;
SQL
works('kid', <<'SQL', 'a child is made by its owner');
SET search_path = shop;
CREATE TABLE c (id int, p int);
ALTER TABLE c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY c ON c FOR SELECT USING (false);
CREATE POLICY w ON c FOR INSERT WITH CHECK (true);
CREATE POLICY d ON c FOR DELETE USING (true);
GRANT ALL ON c TO webapp;
SQL
answer('ALTER TABLE shop.c ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES shop.p; INSERT INTO shop.c VALUES (1, 1)');

sub only_as_owner
{
	my ($what) = @_;

	is(answer("SELECT string_agg(DISTINCT who, ' ') FROM shop.log"), 'dev', "S2: code of the parent runs only as its owner in $what");
	answer('TRUNCATE shop.log');
}

answer('TRUNCATE shop.log');
answer("SELECT license.attach_seat_limit('shop.c', 'fk', 'used', 'lim')");
only_as_owner('attach_seat_limit()');
is(used(), '1:1 2:0', 'S18: attaching counts rows of the child that a policy hides from its owner');
works('webapp', 'INSERT INTO shop.c VALUES (2, 1), (3, 2)', 'S17: a role without privileges on the parent inserts children');
only_as_owner('an INSERT into the child');
forge('shop.p');
answer('TRUNCATE shop.log');
is(answer('SELECT count(*) FROM license.check_seats()'), '2', 'S18: check_seats counts rows that a policy hides from the owner of the child');
is(answer('SELECT license.recount_seats()'), '2', 'S18: recount_seats finds both wrong counts');
is(used(), '1:2 2:1', 'S18: recount_seats counts rows that a policy hides from the owner of the child');
only_as_owner('recount_seats()');
works('webapp', 'TRUNCATE shop.c', 'a role without privileges on the parent truncates the child');
is(used(), '1:0 2:0', 'TRUNCATE of the child gives all seats back');
only_as_owner('TRUNCATE of the child');

# With triggers of the parent, counts are written by a statement.
works('dev', <<'SQL', 'triggers of the parent are made by its owner');
SET search_path = shop;
CREATE TRIGGER before BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION note_trg('before');
CREATE TRIGGER after AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION note_trg('after');
CREATE TRIGGER statement AFTER UPDATE ON p FOR EACH STATEMENT EXECUTE FUNCTION note_trg('statement');
SQL
works('webapp', 'INSERT INTO shop.c VALUES (2, 1), (3, 2)', 'a role without privileges on the parent inserts children of a parent with triggers');
only_as_owner('an INSERT into the child of a parent with triggers');
forge('shop.p');
answer('TRUNCATE shop.log');
is(answer('SELECT license.recount_seats()'), '2', 'recount_seats writes through triggers of the parent');
only_as_owner('recount_seats() through triggers');
works('webapp', 'TRUNCATE shop.c', 'a role without privileges on the parent truncates the child of a parent with triggers');
only_as_owner('TRUNCATE through triggers');
is(used(), '1:0 2:0', 'TRUNCATE of the child gives all seats back through triggers of the parent');

# S3: settings that code of the tables changes end with the recount.
works('dev', <<'SQL', 'the triggers of the parent change a setting');
CREATE OR REPLACE FUNCTION shop.note_trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'shop', false); RETURN NEW; END $$;
SQL
forge('shop.p');
is(answer("SELECT license.recount_seats() \\; SHOW search_path"), "2\n\"\$user\", public", 'S3: a setting that a trigger of the parent changes ends with recount_seats()');

# K2: names in triggers of the parent are found in the search_path of the caller.
works('dev', <<'SQL', 'the triggers of the parent use unqualified names');
CREATE OR REPLACE FUNCTION shop.note_trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (current_user, 'x'); RETURN NEW; END $$;
SQL
works('webapp', 'SET search_path = shop; INSERT INTO c VALUES (1, 1)', 'K2: a trigger of the parent finds names by the search_path of who writes the child');
works('dev', 'ALTER FUNCTION shop.note_trg() SET search_path = shop', 'the trigger function has a search_path of its own');
works('webapp', 'INSERT INTO shop.c VALUES (1, 1)', 'K2: a trigger of the parent finds names by the search_path that is set for its function');
forge('shop.p');
is(answer('SELECT license.recount_seats()'), '2', 'K2: a trigger of the parent finds names by the search_path of its function in recount_seats()');
works('dev', 'ALTER FUNCTION shop.note_trg() RESET search_path', 'the trigger function has no search_path of its own');
forge('shop.p');
is(answer('SET search_path = shop; SELECT license.recount_seats()'), '2', 'K2: a trigger of the parent finds names by the search_path of who recounts');
works('webapp', 'SET search_path = shop; TRUNCATE c', 'K2: a trigger of the parent finds names by the search_path of who truncates the child');

# Operators of a schema that goes before pg_catalog are not taken for those of pg_catalog.
answer('CREATE SCHEMA trap AUTHORIZATION webapp; GRANT USAGE ON SCHEMA trap TO PUBLIC');
works('webapp', <<'SQL', 'a role that may write the child makes operators of its own');
CREATE FUNCTION trap.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped %', current_user; END $$;
CREATE FUNCTION trap.trap(bigint, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped %', current_user; END $$;
CREATE FUNCTION trap.trap(integer, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped %', current_user; END $$;
CREATE FUNCTION trap.trap(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped %', current_user; END $$;
CREATE FUNCTION trap.plus(integer, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped %', current_user; END $$;
CREATE OPERATOR trap.= (FUNCTION = trap.trap, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR trap.= (FUNCTION = trap.trap, LEFTARG = integer, RIGHTARG = bigint);
CREATE OPERATOR trap.= (FUNCTION = trap.trap, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR trap.<> (FUNCTION = trap.trap, LEFTARG = integer, RIGHTARG = bigint);
CREATE OPERATOR trap.> (FUNCTION = trap.trap, LEFTARG = bigint, RIGHTARG = integer);
CREATE OPERATOR trap.+ (FUNCTION = trap.plus, LEFTARG = integer, RIGHTARG = bigint);
CREATE FUNCTION trap.count() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped %', current_user; END $$;
SQL
my $trap = 'SET search_path = trap, pg_catalog, shop;';
works('webapp', "$trap INSERT INTO shop.c VALUES (1, 1)", 'K2: no operator of the search_path is used to write a count');
forge('shop.p');
works('', "$trap SELECT * FROM license.check_seats()", 'K2: no operator of the search_path is used by check_seats()');
works('', "$trap SELECT license.recount_seats()", 'K2: no operator of the search_path is used by recount_seats()');
works('webapp', "$trap TRUNCATE shop.c", 'K2: no operator of the search_path is used by TRUNCATE of the child');
is(used(), '1:0 2:0', 'the counts are right after that');
works('', "$trap SELECT license.detach_seat_limit('shop.c', 'fk'); SELECT license.attach_seat_limit('shop.c', 'fk', 'used', 'lim')",
	'K2: no operator of the search_path is used by attach_seat_limit()');

# Constraints of the parent tell who writes the child nothing of its rows.
my $secret = <<'SQL';
SET search_path = shop;
CREATE TABLE ps (id int PRIMARY KEY, lim int, used int NOT NULL DEFAULT 0, note text DEFAULT 'secret',
    CONSTRAINT ps_few CHECK (used < 2), CONSTRAINT ps_other CHECK (note <> 'never'));
CREATE TABLE cs (id int, p int CONSTRAINT fk REFERENCES ps);
CREATE UNIQUE INDEX ps_unique ON ps (note, used) WHERE used > 0;
INSERT INTO ps VALUES (1), (2);
GRANT ALL ON cs TO webapp;
SQL
works('dev', $secret, 'a parent with a secret is made by its owner');
answer("SELECT license.attach_seat_limit('shop.cs', 'fk', 'used', 'lim')");
for my $way ('written directly', 'written through triggers')
{
	my $error = as_role('webapp', 'INSERT INTO shop.cs VALUES (1, 1), (2, 1)');

	like($error, qr/23514.*ps_few/s, "a CHECK of a parent $way refuses");
	unlike($error, qr/secret/, "S17: a CHECK of a parent $way shows none of its row to who writes the child");
	like(as_role('webapp', 'INSERT INTO shop.cs VALUES (1, 1)'), qr/^$/, "one child of a parent $way is taken");
	$error = as_role('webapp', 'INSERT INTO shop.cs VALUES (1, 2)');
	like($error, qr/23505.*ps_unique/s, "a unique index of a parent $way refuses");
	unlike($error, qr/secret/, "S17: a unique index of a parent $way shows none of its row to who writes the child");
	as_role('webapp', 'DELETE FROM shop.cs');
	works('dev', 'CREATE TRIGGER t BEFORE UPDATE ON shop.ps FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
		'a trigger is put on the parent') if $way eq 'written directly';
}
as_role('webapp', 'INSERT INTO shop.cs VALUES (1, 1)');

# K7: one that is broken is told, and stops no other.
works('dev', 'ALTER TABLE shop.ps RENAME used TO taken; DROP FUNCTION shop.note_trg CASCADE', 'a used column is renamed');
forge('shop.p');
my $check = answer("SELECT child, parent, parent_key, counted, recorded, seat_limit, problem FROM license.check_seats() ORDER BY parent_key");
is($check, "shop.c|shop.p|(id)=(1)|0|7|5|the recorded count differs from the rows\n"
	  . "shop.c|shop.p|(id)=(2)|0|7|5|the recorded count differs from the rows\n"
	  . 'shop.cs|shop.ps|||||table "ps" has no column "used" to count seats with. After renaming a column, call license.detach_seat_limit() and license.attach_seat_limit() again.',
	'K7: check_seats gives a broken seat limit as a row and goes on');
my $recount = as_role('', 'SELECT license.recount_seats()');
like($recount, qr/WARNING.*seats of "cs" counted in column "used" were not recounted/s, 'K7: recount_seats names a broken seat limit in a warning');
is(used(), '1:0 2:0', 'K7: recount_seats puts the others right');
like(as_role('', "SELECT license.recount_seats('shop.cs')"), qr/ERROR:  42703/, 'K7: asked for the broken one alone, recount_seats raises its error');
works('dev', 'ALTER TABLE shop.cs DROP CONSTRAINT fk', 'a foreign key is dropped');
like(answer("SELECT child, parent, problem FROM license.check_seats()"), qr/^shop\.cs\|\|table "cs" has no foreign key to count seats by\. Add the foreign key again/,
	'K7: check_seats gives a seat limit whose foreign key is gone as a row, with its cure');
works('dev', 'ALTER TABLE shop.ps RENAME taken TO used; ALTER TABLE shop.cs ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES shop.ps DEFERRABLE', 'the foreign key is made anew');
like(answer('SELECT problem FROM license.check_seats()'), qr/foreign key "fk" is deferrable or not valid/, 'K3: check_seats tells of a foreign key that became one along which nothing is counted');
works('dev', 'ALTER TABLE shop.cs ALTER CONSTRAINT fk NOT DEFERRABLE; ALTER TABLE shop.cs DISABLE TRIGGER fk_seat_row', 'a seat trigger is switched off');
like(answer('SELECT problem FROM license.check_seats()'), qr/seat triggers of "cs" are disabled or missing\. Enable them/, 'K7: check_seats tells of a seat trigger that is switched off');
works('dev', 'ALTER TABLE shop.cs ENABLE TRIGGER fk_seat_row', 'a seat trigger is switched on');
is(answer('SELECT count(*) FROM license.check_seats()'), '0', 'K7: check_seats is empty when all is well again');

# K7: code that fails on one table stops no other.
works('dev', "CREATE FUNCTION shop.fail() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'not today' USING ERRCODE = '40001'; END \$\$;"
	  . 'CREATE TRIGGER fail BEFORE UPDATE ON shop.ps FOR EACH ROW EXECUTE FUNCTION shop.fail()', 'a trigger of a parent raises');
forge('shop.p');
answer('SET session_replication_role = replica; UPDATE shop.ps SET used = 0 WHERE id = 1');
like(as_role('', 'SELECT license.recount_seats()'), qr/WARNING.*"cs".*not today/s, 'K7: a trigger that raises is a warning of recount_seats');
is(used(), '1:0 2:0', 'K7: recount_seats puts the others right although a trigger raises');

done_testing();
