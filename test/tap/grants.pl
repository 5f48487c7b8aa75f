# Levels hold as they were granted: for sessions that began before, for roles that come and go, for roles with several
# levels, and for grants made at the same time. Every role is an ordinary login role.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest qw(as_role session);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('grants');
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');

sub dba
{
	return $node->safe_psql('postgres', shift);
}

sub create_role
{
	my ($role, @grants) = @_;

	dba("CREATE ROLE \"$role\" LOGIN");
	dba("SELECT license.grant_access('\"$role\"', $_)") foreach @grants;
}

sub does
{
	my ($role, $sql, $expected, $name) = @_;
	my $answer = as_role($node, $role, $sql);

	ref $expected ? like($answer, $expected, $name) : is($answer, $expected, $name);
	return $answer;
}

# 20 with 21 below it, and 30
dba(<<'SQL');
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (10, NULL, 'provider', 'Vendor'),
    (20, 10, 'partner', 'Twenty'), (21, 20, 'client', 'Twenty-one'), (30, 10, 'partner', 'Thirty');
INSERT INTO license.site (account_id, site_id, name) SELECT account_id, 1, 'Site of ' || account_id FROM license.account;
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) SELECT account_id, 2, 1, 'A' FROM license.account;
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, partner_id, distributor_id)
    VALUES (21, 5, '9137958', 1, 'in_use', now() - interval '1 day', now() + interval '10 days', NULL, NULL);
INSERT INTO license.voucher (code, sku) VALUES ('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '9137958') ON CONFLICT DO NOTHING;
SQL
create_role('vendor', q{'provider'});

# S7: a session that began before
my $parallel = ($version < 160000 ? 'SET force_parallel_mode = on' : 'SET debug_parallel_query = on')
  . '; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0';
my $see = q{SELECT string_agg(account_id::text, ' ' ORDER BY account_id) FROM license.site};
my $confine = q{SELECT license.revoke_access('watcher'); SELECT license.grant_access('watcher', 'reader', 20)};
my $widen = q{SELECT license.revoke_access('watcher'); SELECT license.grant_access('watcher', 'reader')};

create_role('watcher', q{'reader'});
like(as_role($node, 'watcher', "$parallel; EXPLAIN $see"), qr/Gather/, 'S7: with these settings the query runs in a parallel worker');
foreach my $isolation ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	foreach my $how ([ 'in one process', 'SELECT 1' ], [ 'in parallel workers', $parallel ])
	{
		my ($where, $settings) = @$how;

		dba($widen);
		my @seen = session($node, 'watcher', $settings, "BEGIN ISOLATION LEVEL $isolation", $see, [$confine], $see, $see, 'COMMIT', $see, $see);
		is(join(', ', @seen[ 2 .. $#seen ]), '10 20 21 30, 20 21, 20 21, , 20 21, 20 21',
			"S7: a role confined while its $isolation transaction runs $where sees only its account from the next statement on, and afterwards");

		dba($widen);
		@seen = session($node, 'watcher', $settings, "BEGIN ISOLATION LEVEL $isolation", $see, [q{SELECT license.revoke_access('watcher')}], $see, 'ROLLBACK', $see);
		is(join(', ', @seen[ 2 .. $#seen ]), '10 20 21 30, 42501, , 42501',
			"S7: a role that loses its level while its $isolation transaction runs $where is refused from the next statement on, and afterwards");

		dba($widen);
		dba(q{GRANT USAGE ON SCHEMA license TO watcher; GRANT SELECT ON license.site TO watcher});
		@seen = session($node, 'watcher', $settings, "BEGIN ISOLATION LEVEL $isolation", $see, [q{DELETE FROM license.access WHERE role::text = 'watcher'}], $see, 'COMMIT', $see);
		is(join(', ', @seen[ 2 .. $#seen ]), '10 20 21 30, , , ',
			"S7: a role whose grant is gone while its $isolation transaction runs $where sees no row from the next statement on, even with the privilege left");

		dba($confine);
		@seen = session($node, 'watcher', $settings, "BEGIN ISOLATION LEVEL $isolation", $see, ['UPDATE license.account SET parent_id = 10 WHERE account_id = 21'], $see, 'COMMIT', $see);
		is(join(', ', @seen[ 2 .. $#seen ]), '20 21, 20, , 20',
			"S7: an account that moves away while a $isolation transaction runs $where is not seen from the next statement on");
		dba('UPDATE license.account SET parent_id = 20 WHERE account_id = 21');
	}
}
create_role('writer', q{'customer', 20}, q{'customer', 30});
my @wrote = session($node, 'writer', 'BEGIN ISOLATION LEVEL REPEATABLE READ', $see, [q{SELECT license.revoke_access('writer', 'customer', 30)}],
	q{UPDATE license.site SET name = name WHERE account_id = 30 RETURNING name}, 'SELECT license.release_seat(30, 1)', 'ROLLBACK', 'SELECT license.release_seat(30, 1)');
is(join(', ', @wrote), ', 20 21 30, , 42501, , 42501', 'S7: a transaction that began before writes no row and calls no function of an account where the level was revoked');
is(join(', ', session($node, 'writer', $see, [q{SELECT license.grant_access('writer', 'reader', 30)}], $see)), '20 21, 20 21 30',
	'S7: a level granted to a role is there for a session that is open');
is(join(', ', session($node, 'writer', 'BEGIN', $see, 'SAVEPOINT s', $see, [q{SELECT license.revoke_access('writer', 'reader')}], 'ROLLBACK TO s', $see)), ', 20 21 30, , 20 21 30, , 20 21',
	'S7: a rolled back savepoint brings no revoked level back');

# S6: levels in several accounts, through every kind of statement
create_role('customer20', q{'customer', 20});
create_role('reader30', q{'reader', 30});
create_role('service30', q{'service', 30});
create_role('reader20', q{'reader', 20});
dba('CREATE ROLE mixed LOGIN IN ROLE customer20, reader30; CREATE ROLE front LOGIN IN ROLE reader20, service30');
my %tried = (
	'UPDATE' => q{UPDATE license.site SET name = 'stolen' WHERE account_id = 30},
	'UPDATE FROM' => q{UPDATE license.site s SET name = 'stolen' FROM license.account a WHERE a.account_id = 30 AND s.account_id = a.account_id},
	'UPDATE of a row it moves' => q{UPDATE license.apartment SET name = 'stolen' WHERE account_id = 30},
	'DELETE' => 'DELETE FROM license.apartment WHERE account_id = 30',
	'DELETE USING' => 'DELETE FROM license.apartment p USING license.account a WHERE a.account_id = 30 AND p.account_id = a.account_id',
	'WITH DELETE' => 'WITH gone AS (DELETE FROM license.apartment WHERE account_id = 30 RETURNING *) SELECT * FROM gone',
	'INSERT' => q{INSERT INTO license.site (account_id, name) VALUES (30, 'stolen')},
	'INSERT SELECT' => q{INSERT INTO license.apartment (account_id, site_id, name) SELECT account_id, site_id, 'stolen' FROM license.site WHERE account_id = 30},
	'INSERT ON CONFLICT' => q{INSERT INTO license.site (account_id, site_id, name) VALUES (30, 1, 'stolen') ON CONFLICT (account_id, site_id) DO UPDATE SET name = 'stolen'},
	'MERGE UPDATE' => q{MERGE INTO license.site s USING (VALUES (30)) v (a) ON s.account_id = v.a WHEN MATCHED THEN UPDATE SET name = 'stolen'},
	'MERGE DELETE' => q{MERGE INTO license.apartment s USING (VALUES (30)) v (a) ON s.account_id = v.a WHEN MATCHED THEN DELETE},
	'MERGE INSERT' => q{MERGE INTO license.site s USING (VALUES (30)) v (a) ON false WHEN NOT MATCHED THEN INSERT (account_id, name) VALUES (30, 'stolen')},
	'COPY FROM' => "COPY license.site (account_id, name) FROM STDIN;\n30\tstolen\n\\.\n",
	'SELECT FOR UPDATE' => 'SELECT name FROM license.site WHERE account_id = 30 FOR UPDATE');
my $before = dba('SELECT md5(string_agg(t::text, $$ $$ ORDER BY t::text)) FROM (SELECT s::text FROM license.site s WHERE account_id = 30 UNION ALL SELECT p::text FROM license.apartment p WHERE account_id = 30) t');
does('mixed', $tried{$_}, qr/^$|^42501|^0A000/, "S6: $_ by a customer elsewhere reaches no row of an account where the role is reader") foreach sort keys %tried;
is(dba('SELECT md5(string_agg(t::text, $$ $$ ORDER BY t::text)) FROM (SELECT s::text FROM license.site s WHERE account_id = 30 UNION ALL SELECT p::text FROM license.apartment p WHERE account_id = 30) t'),
	$before, 'S6: after all of these statements the rows of that account are as before');
does('mixed', q{UPDATE license.site SET name = 'mine' WHERE account_id = 20 RETURNING name}, 'mine', 'S6: the customer still writes its own account');
does('mixed', q{MERGE INTO license.site s USING (VALUES (20)) v (a) ON s.account_id = v.a WHEN MATCHED THEN UPDATE SET name = 'merged'; SELECT name FROM license.site WHERE account_id = 20},
	'merged', 'S6: the customer still merges into its own account');
does('mixed', 'COPY (SELECT account_id FROM license.site ORDER BY 1) TO STDOUT', "20\n21\n30", 'S6: COPY TO of a query writes out what the two levels read');
does('mixed', 'COPY license.site (account_id) TO STDOUT', qr/^(?!.*10)(?=.*20)(?=.*21)(?=.*30)/s, 'S6: COPY TO of a table writes out what the two levels read');
does('front', 'COPY license.site (account_id) TO STDOUT', qr/^(20\n21|21\n20)$/, 'S6: COPY TO writes out no row of an account where the role is service');
does('front', 'SELECT account_id FROM license.account ORDER BY 1', "20\n21", 'S6: a reader that is service elsewhere reads no account there');
does('front', 'SELECT license.license_data(30, 1)', qr/^42501/, 'S6: a reader that is service elsewhere calls no report there');

# S8: what no level below the provider may do, and what not even the provider
create_role('distributor20', q{'distributor', 20});
create_role('partner20', q{'partner', 20});
create_role('service20', q{'service', 20});
create_role('operator', q{'operator'});
does('vendor', q{SELECT license.grant_access('partner20', 'provider', 20)}, qr/^22023/, 'S8: provider is never confined to an account');
foreach my $role (qw(distributor20 partner20 customer20 reader20 service20 operator))
{
	does($role, 'SELECT count(*) FROM license.voucher', qr/^42501/, "S8: $role reads no vouchers");
	does($role, 'DELETE FROM license.voucher', qr/^42501/, "S8: $role deletes no unredeemed vouchers");
	does($role, 'UPDATE license.offer SET name = name', qr/^42501/, "S8: $role rewrites no offer");
	does($role, 'UPDATE license.offer_price SET unit_price = 0', qr/^42501/, "S8: $role rewrites no price");
	does($role, 'UPDATE license.notice_stage SET lead = lead', qr/^42501/, "S8: $role rewrites no notice stage");
	does($role, 'SELECT * FROM license.access', qr/^42501/, "S8: $role reads no grants");
	does($role, 'UPDATE license.account SET parent_id = 30 WHERE account_id = 20', qr/^42501/, "S8: $role moves nothing in the tree of accounts");
	does($role, "SELECT license.grant_access('$role', 'provider')", qr/^42501/, "S8: $role grants itself nothing");
}
foreach my $role (qw(vendor distributor20 partner20 customer20 reader20 service20 operator))
{
	does($role, "INSERT INTO license.event (account_id, actor, subject, subject_id, action) VALUES (20, 'somebody', 'license', 1, 'forged')", qr/^42501/, "S8: $role forges no event");
	does($role, "UPDATE license.$_ SET account_id = account_id", qr/^42501/, "S8: $role rewrites no row of $_") foreach qw(event denial purchase payment access);
	does($role, "DELETE FROM license.$_", qr/^42501/, "S8: $role deletes no row of $_") foreach qw(event denial purchase payment access);
	does($role, "TRUNCATE license.$_", qr/^42501/, "S8: $role truncates no $_") foreach qw(event account voucher);
}
# An error may repeat what was asked for, never the name of an account that the role does not see.
foreach my $role (qw(distributor20 partner20 customer20))
{
	my ($foreign, $missing) = map { as_role($node, $role, "INSERT INTO license.license_request (account_id, site_id, partner_id, distributor_id, years, payment_form, access_points)
		VALUES (21, 1, $_, $_, 1, 'annual', 5)") =~ s/\b$_\b/N/gr } 30, 987654;

	like($foreign, qr/^2\d{4}/, "S8: $role cannot name a foreign account as partner of a licence request");
	unlike($foreign, qr/Thirty/, "S8: $role learns no foreign name by partner_id");
	is($foreign, $missing, "S8: $role learns by partner_id not even whether a foreign account exists");
}

# S9: who may log in where
dba(q{CREATE EXTENSION pgcrypto;
UPDATE license.account SET email = 'licensing@a' || account_id || '.example';
	INSERT INTO license.account_user (account_id, user_id, email) SELECT account_id, 3, 'u' || account_id || '@user.example' FROM license.account;
	SELECT license.set_password(account_id, 3, 'correct horse') FROM license.account});
create_role('mixed_service', q{'service', 20}, q{'distributor', 30});
foreach my $role (qw(service20 mixed_service))
{
	my $login = sub { return "SELECT code FROM license.login('licensing\@a$_[0].example', 'u$_[0]\@user.example', 'correct horse')" };

	does($role, $login->($_), 'OK', "S9: $role logs in a user of account $_, where it is service") foreach 20, 21;
	does($role, $login->($_), 'INVALID_CREDENTIALS', "S9: $role gets INVALID_CREDENTIALS for a user of account $_, where it is not service") foreach 10, 30;
}
is(dba('SELECT count(*) FROM license.session WHERE account_id IN (10, 30)') . ' ' . dba('SELECT count(*) FROM license.denial WHERE account_id IN (10, 30)'), '0 0',
	'S9: a login in an account of others leaves no session and no denial there');

# S11: roles that are dropped, made anew and renamed
create_role('leaver', q{'customer', 20});
create_role('friend', q{'customer', 30});
my $leaver = dba(q{SELECT 'leaver'::regrole::oid});
dba('DROP OWNED BY leaver; DROP ROLE leaver; CREATE ROLE leaver LOGIN');
does('leaver', $see, qr/^42501/, 'S11: a new role with the name of a dropped one has nothing');
dba('GRANT friend TO leaver');
does('leaver', $see, '30', 'S11: a new role with the name of a dropped one, let in by another membership, sees what that gives and nothing else');
does('leaver', q{UPDATE license.site SET name = 'taken' WHERE account_id = 20 RETURNING name}, '', 'S11: it writes nothing where the dropped role could');
does('leaver', 'SELECT license.release_seat(20, 1)', qr/^42501/, 'S11: it calls nothing where the dropped role could');
does('vendor', "SELECT role_name, level, account_id, state, role_id = $leaver FROM license.refresh_access() WHERE state <> 'active'", 'leaver|customer|20|role gone|t',
	'S11: refresh_access lists the grant of the dropped role');
does('leaver', $see, '30', 'S11: refresh_access gives the grant of the dropped role to nobody');
does('vendor', "SELECT license.revoke_access($leaver\::oid::regrole); SELECT count(*) FROM license.refresh_access() WHERE state <> 'active'", "\n0",
	'S11: revoke_access by the id of the dropped role removes its grant');
does('leaver', $see, '30', 'S11: that takes nothing from the new role of the same name');
create_role('before', q{'reader', 30});
dba('ALTER ROLE before RENAME TO after');
does('after', $see, '30', 'S11: a renamed role keeps its levels');
dba('CREATE ROLE before LOGIN');
does('before', $see, qr/^42501/, 'S11: a new role with the former name of a renamed one has nothing');
does('vendor', q{SELECT role_name, state FROM license.refresh_access() WHERE role_name IN ('before', 'after')}, 'after|active', 'S11: refresh_access lists a renamed role by its new name');
dba(q{SELECT license.revoke_access('after')});
does('after', $see, qr/^42501/, 'S11: revoke_access takes the levels of a renamed role');

# S25: grants at the same time
create_role("many$_") foreach 1 .. 6;
my $script = $node->basedir . '/grant.sql';
append_to_file($script, <<'SQL');
\set who random(1, 6)
\set what random(0, 7)
\if :what < 3
SELECT license.grant_access(('many' || :who)::regrole, (ARRAY['reader', 'customer', 'partner'])[:what + 1], 20);
\elif :what < 5
SELECT license.revoke_access(('many' || :who)::regrole, 'reader');
\elif :what = 5
SELECT license.revoke_access(('many' || :who)::regrole);
\elif :what = 6
SELECT count(*) FROM license.refresh_access();
\else
SELECT count(*) FROM license.site;
\endif
SQL
$node->command_ok([ 'pgbench', '-n', '-c', 20, '-j', 2, '-t', 4, '-U', 'vendor', '-f', $script, 'postgres' ],
	'S25: twenty sessions grant, revoke and refresh at the same time without an error');
unlike(slurp_file($node->logfile), qr/tuple concurrently|deadlock detected/, 'S25: no session was told of a concurrently updated tuple');
dba("SELECT license.revoke_access('many$_'); SELECT license.grant_access('many$_', 'reader', 30)") foreach 1 .. 6;
does("many$_", $see, '30', "S25: role $_ has afterwards what was granted to it last") foreach 1 .. 6;

# K10: jobs are level operator, however the role is taken on, or explicit grants without a level
my %job = (
	mailer => [ 'SELECT count(*) FROM license.claim_notices(5)', 'SELECT license.acknowledge_notices(ARRAY[20], ARRAY[1])' ],
	cron => [ 'SELECT finalized FROM license.sweep()', 'CALL license.run_sweep()' ],
	monitoring => [ 'SELECT count(*) FROM license.check_seats()', 'SELECT license.purge_denials(now())' ]);
foreach my $job (sort keys %job)
{
	create_role($job, q{'operator'});
	dba("CREATE ROLE ${job}_member LOGIN IN ROLE $job; CREATE ROLE ${job}_apart LOGIN NOINHERIT IN ROLE $job; CREATE ROLE ${job}_set LOGIN NOINHERIT IN ROLE $job; ALTER ROLE ${job}_set SET role = '$job'");
	foreach my $sql (@{ $job{$job} })
	{
		does($job, $sql, qr/^\d*$/, "K10: $job as operator runs $sql");
		does("${job}_member", $sql, qr/^\d*$/, "K10: a member of $job runs $sql");
		does("${job}_apart", $sql, qr/^42501/, "K10: a member of $job that does not inherit is refused $sql");
		does("${job}_apart", "SET ROLE $job; $sql", qr/^\d*$/, "K10: a member of $job that does not inherit runs $sql after SET ROLE");
		does("${job}_apart", "SET ROLE $job; RESET ROLE; $sql", qr/^42501/, "K10: after RESET ROLE a member of $job that does not inherit is refused $sql");
		does("${job}_set", $sql, qr/^\d*$/, "K10: a member of $job that gets the role at login runs $sql");
		does('postgres', "SET SESSION AUTHORIZATION $job; $sql", qr/^\d*$/, "K10: a session authorized as $job runs $sql");
	}
	does($job, $see, qr/^42501/, "K10: $job reads no tenant's rows");
}
create_role('plain');
dba('GRANT USAGE ON SCHEMA license TO plain; GRANT EXECUTE ON FUNCTION license.claim_notices(integer), license.check_seats() TO plain; GRANT EXECUTE ON PROCEDURE license.run_sweep() TO plain');
does('plain', $_, qr/^\d*$/, "K10: an explicit GRANT EXECUTE without a level is honoured: $_")
  foreach 'SELECT count(*) FROM license.claim_notices(5)', 'SELECT count(*) FROM license.check_seats()', 'CALL license.run_sweep()';
does('postgres', "SET SESSION AUTHORIZATION plain; $see", qr/^42501/, 'K10: SET SESSION AUTHORIZATION to a role without a level leaves nothing of the superuser');
does('postgres', "SET SESSION AUTHORIZATION reader20; $see", '20 21', 'K10: SET SESSION AUTHORIZATION to a reader confines a superuser');
does('postgres', "SET ROLE reader20; $see; RESET ROLE; SELECT count(*) FROM license.site; SET ROLE reader30; $see", "20 21\n4\n30", 'K10: SET ROLE in one session sees what each role sees');

$node->stop;
done_testing();
