# Logical replication of the whole schema: the subscriber has every row, and its counters are the
# publisher's, although its own triggers do not fire.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('logical', allows_streaming => 'logical');

sub answer
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

LicenseTest::fill($node, 'postgres');
answer('postgres', 'CREATE DATABASE copy');
LicenseTest::create_extension($node, 'copy');

my @tables = LicenseTest::tables($node, 'postgres');

sub same_on_both
{
	my ($what) = @_;

	$node->wait_for_catchup('copy_of_license');
	is(LicenseTest::contents($node, 'copy', @tables), LicenseTest::contents($node, 'postgres', @tables), "$what: every row of every table");
	is(answer('copy', 'SELECT * FROM license.check_seats()'), '', "$what: every counter is exact");
}

# The shipped rows come from the publisher too.
answer('copy', 'SET session_replication_role = replica; TRUNCATE license.module, license.offer, license.notice_stage CASCADE');
answer('postgres', "CREATE PUBLICATION license_tables FOR TABLES IN SCHEMA license;
    SELECT pg_create_logical_replication_slot('copy_of_license', 'pgoutput')");
answer('copy', "CREATE SUBSCRIPTION copy_of_license CONNECTION '" . $node->connstr . " dbname=postgres'
    PUBLICATION license_tables WITH (create_slot = false)");
$node->wait_for_subscription_sync($node, 'copy_of_license', 'copy');
same_on_both('copied');

answer('postgres', <<'SQL');
INSERT INTO license.device (account_id, site_id, apartment_id, device_code) VALUES (4, 11, 22, '501'), (4, 11, 22, '502');
UPDATE license.device SET apartment_id = 24 WHERE account_id = 4 AND device_code = '501';
UPDATE license.device SET mode = 'local' WHERE account_id = 4 AND device_id = 43;
DELETE FROM license.device WHERE account_id = 4 AND device_id BETWEEN 61 AND 70;
DELETE FROM license.seat WHERE account_id = 4 AND user_id = 32;
SELECT license.acquire_seat(4, 86, 'user', user_id => 33, lease => '1 hour', at => '2026-12-01');
INSERT INTO license.connection (account_id, license_id, site_id, mac) VALUES (4, 82, 12, '08:00:2b:01:02:09');
UPDATE license.license SET auto_renew = true WHERE account_id = 4 AND license_id = 88;
SELECT license.renew(4, 88, at => '2026-12-01');
SELECT license.sweep('2098-12-31');
UPDATE license.offer SET name = 'Edited later' WHERE sku = 'OCTOPUS';
SQL
same_on_both('changed');

answer('postgres', 'TRUNCATE license.seat');
same_on_both('truncated');
is(answer('copy', 'SELECT sum(in_use) FROM license.license_pool'), '0', 'and no seat is in use on either');

# Once it is on its own, the subscriber counts on.
answer('copy', 'ALTER SUBSCRIPTION copy_of_license DISABLE');
answer('copy', 'ALTER SUBSCRIPTION copy_of_license SET (slot_name = NONE); DROP SUBSCRIPTION copy_of_license');
my ($status, $out, $err) = $node->psql('copy', <<'SQL');
\set VERBOSITY sqlstate
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) VALUES (4, 901, 11, 21, '901');
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) VALUES (4, 902, 11, 21, '902');
SQL
like($err, qr/ERROR:\s+LX001/, 'M11: the fifth phone is refused there');
is(answer('copy', 'SELECT seats_used FROM license.apartment WHERE apartment_id = 21'), '4', 'and the fourth counted');
is(answer('copy', 'SELECT * FROM license.check_seats()'), '', 'every counter is exact');

$node->stop;
done_testing();
