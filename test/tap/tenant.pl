# What a tenant can do to others, as roles that log in: its locks and its texts stop no sweep, NOTIFY tells nothing of
# it, its history names the role whatever it says, and its users' addresses give others a clear error. S10, S12, S22-S25.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('tenant');

sub answer
{
	return $node->safe_psql('postgres', shift);
}

# In a fresh connection of a role: what it printed and the error
sub as_role
{
	my ($role, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET client_min_messages = warning;\n$sql",
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ], timeout => 60);

	return ($out, $err);
}

# A session of a role that stays open
sub session_of
{
	my ($role, $sql) = @_;
	my ($in, $out) = ("$sql\n\\echo ready\n", '');
	my $session = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-U', $role, '-d', $node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(120));

	$session->pump until $out =~ /ready/;
	return { session => $session, in => \$in, out => \$out };
}

sub finish
{
	my ($session, $sql) = @_;

	${ $session->{in} } .= "$sql\n\\q\n";
	$session->{session}->finish;
	return ${ $session->{out} };
}

answer(<<'SQL');
CREATE ROLE shop LOGIN;
CREATE ROLE vendor LOGIN;
CREATE ROLE stranger LOGIN;
INSERT INTO license.account (account_id, kind, name, email) VALUES
    (1, 'client', 'Shop', 'office@shop.example'), (2, 'client', 'Other', 'office@other.example');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 11, 'Shop'), (2, 21, 'Other');
INSERT INTO license.license (account_id, license_id, site_id, sku, status, starts_at, ends_at, term)
    SELECT a, a * 100 + n, a * 10 + 1, '9137958', 'in_use', now() - interval '2 years', now() - interval '1 year', '1 year'
    FROM unnest(ARRAY[1, 2]) a, generate_series(1, 3) n;
SELECT license.grant_access('shop', 'customer', 1);
SELECT license.grant_access('vendor', 'provider');
SQL

# S12, S10
my $listener = session_of('stranger', 'LISTEN license_notice;');
my $holder = session_of('shop', 'BEGIN; SELECT FROM license.site WHERE account_id = 1 AND site_id = 11 FOR UPDATE;');
my ($out, $err) = as_role('vendor', 'SET statement_timeout = 5000; CALL license.run_sweep()');
is($err, '', 'S12: run_sweep() ends while a customer holds a lock on its site');
is(answer("SELECT account_id, status, count(*) FROM license.license GROUP BY 1, 2 ORDER BY 1, 2"), "1|in_use|3\n2|contract_finalized|3",
	'S12: and has ended the contracts of the others');
is((as_role('vendor', 'SELECT account_id, subject, count(*), min(sqlstate) FROM license.sweep_state GROUP BY 1, 2'))[0], '1|license|3|55P03',
	'S12: the provider sees what was passed by and why');
finish($holder, 'COMMIT;');
as_role('vendor', 'CALL license.run_sweep()');
is(answer("SELECT count(*) FROM license.license WHERE status = 'in_use'"), '0', 'S12: what was locked is done by the next run');
is(answer('SELECT count(*) FROM license.sweep_state'), '0', 'S12: and no longer noted');
my @payloads = finish($listener, 'SELECT 1;') =~ /Asynchronous notification "license_notice" with payload "(.*)" received/g;
is_deeply(\@payloads, [ 9, 9 ], 'S10: a role without any level hears how many notices each batch raised and nothing else');

# S12 (c), S24
($out, $err) = as_role('shop', "UPDATE license.site SET name = repeat('x', 268435460) WHERE account_id = 1");
like($err, qr/ERROR:  23514: .*"site_name_check"/, 'S12, S24: a site has no name of 268 MB');
cmp_ok(length($err), '<', 1000, 'S24: and the error does not repeat it');

# S22, S23
as_role('shop', q{SET license_ext.actor = 'postgres'; BEGIN; UPDATE license.site SET name = 'Renamed' WHERE account_id = 1;
	INSERT INTO license.device (account_id, device_id, device_code) VALUES (1, 1, 'one'); UPDATE license.device SET hold = true WHERE account_id = 1;
	DELETE FROM license.device WHERE account_id = 1; COMMIT});
is(answer("SELECT string_agg(concat_ws(' ', actor, session_role, subject, action), ', ' ORDER BY event_id) FROM license.event WHERE account_id = 1 AND action <> 'sweep'"),
	'postgres shop site update, postgres shop device update, postgres shop device delete',
	'S22, S23: a customer who sets actor to postgres is in the history by its role');
is(answer("SELECT count(DISTINCT xid) FROM license.event WHERE account_id = 1 AND actor = 'postgres' AND session_role = 'shop'"), '1',
	'S23: and statements of one transaction have one xid');
($out, $err) = as_role('shop', "SELECT license.next_id(); SELECT set_config('license_ext.actor', repeat('x', 50000000), false)");
like($err, qr/ERROR:  22023: invalid value for parameter "license_ext.actor"/, 'S24: an actor of 50 MB is refused');
cmp_ok(length($err), '<', 1000, 'S24: and not repeated');
# Before the library is loaded PostgreSQL takes any value, which is looked at when it is.
($out, $err) = as_role('shop', "SET client_min_messages = error; DO \$\$BEGIN PERFORM set_config('license_ext.actor', repeat('x', 5000000), false); END\$\$;
	UPDATE license.site SET name = 'Named again' WHERE account_id = 1");
is(answer("SELECT actor FROM license.event WHERE account_id = 1 ORDER BY event_id DESC LIMIT 1"), 'shop', 'S24: nor is one recorded that was set before the library was loaded');
($out, $err) = as_role('shop', 'TRUNCATE license.device');
like($err, qr/ERROR:  42501/, 'S22: a customer may not truncate');

# S25
as_role('shop', "INSERT INTO license.account_user (account_id, email) VALUES (1, 'licensing\@prospect.example')");
($out, $err) = as_role('vendor', "SELECT license.create_enterprise('Prospect', 'licensing\@prospect.example', 3)");
like($err, qr/ERROR:  23505: e-mail "licensing\@prospect.example" is in use by another user/,
	'S25: create_enterprise() says that somebody has the address');
unlike($err, qr/shop|account_id|constraint|\(lower/i, 'S25: and not who');

# S8: what a trigger looks up for a row of another account must not be told by its error.
answer(<<'SQL');
INSERT INTO license.account (account_id, kind, name) VALUES (5, 'partner', 'Partner'), (6, 'distributor', 'Distributor');
UPDATE license.account SET parent_id = 6 WHERE account_id = 5;
UPDATE license.account SET parent_id = 5 WHERE account_id = 2;
INSERT INTO license.site (account_id, site_id, name, sector) VALUES (2, 22, 'Hotel', 'hospitality');
SQL
for my $row ('21, 5, 6, 1, NULL', '21, 6, 5, 1, NULL', '21, 1, 6, 1, NULL', '21, 5, 77, 1, NULL', '22, 5, 6, 1, NULL', '22, 5, 6, NULL, 1', '23, 5, 6, 1, NULL')
{
	($out, $err) = as_role('shop', "INSERT INTO license.license_request (account_id, years, payment_form, site_id, partner_id, distributor_id, access_points, rooms) VALUES (2, 1, 'annual', $row)");
	like($err, qr/^psql:\S+ ERROR:  42501: new row violates row-level security policy for table "license_request"\n/,
		"S8: a customer who files a request ($row) in an account of others does not learn its sites' sectors or the accounts above it");
}
answer("INSERT INTO license.account_user (account_id, email) VALUES (2, 'doorman\@other.example')");
for my $actor ('doorman@other.example', 'nobody@other.example')
{
	($out, $err) = as_role('shop', "SET license_ext.actor = '$actor'; INSERT INTO license.account_user (account_id, email) VALUES (2, 'new\@other.example')");
	like($err, qr/^psql:\S+ ERROR:  42501: new row violates row-level security policy for table "account_user"\n/,
		"S8: a customer who adds a user as $actor to an account of others does not learn who is a user there");
}

# The rules hold for rows that a role inserts through a view of somebody who may.
answer(<<'SQL');
CREATE VIEW public.request AS SELECT * FROM license.license_request;
CREATE VIEW public.person AS SELECT * FROM license.account_user;
GRANT INSERT ON public.request, public.person TO shop;
SQL
($out, $err) = as_role('shop', "INSERT INTO public.request (account_id, years, payment_form, site_id, partner_id, distributor_id, access_points) VALUES (2, 1, 'annual', 21, 6, 6, 1)");
is($err, '', 'a view of a superuser lets a role file a request in another account');
($out, $err) = as_role('shop', "INSERT INTO public.request (account_id, years, payment_form, site_id, partner_id, distributor_id, access_points) VALUES (2, 1, 'annual', 21, 6, 5, 1)");
like($err, qr/ERROR:  23514: account 5 is not a distributor of account 2/, 'O9: a request filed through a view of a superuser names accounts above its organization');
($out, $err) = as_role('shop', "INSERT INTO public.request (account_id, years, payment_form, site_id, partner_id, distributor_id, access_points) VALUES (2, 1, 'annual', 22, 6, 6, 1)");
like($err, qr/ERROR:  23514: a licence request for a hospitality location needs rooms/, 'O7: a request filed through a view of a superuser fits the sector of its site');
($out, $err) = as_role('shop', "SET license_ext.actor = 'doorman\@other.example'; INSERT INTO public.person (account_id, email) VALUES (2, 'new\@other.example')");
like($err, qr/ERROR:  LX041/, 'T17: a user added through a view of a superuser needs the permission of the actor');

$node->stop;
done_testing();
