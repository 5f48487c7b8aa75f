# Contract 1.8 and 11: who has the job can do it. A role of each level does its whole job, from nothing to the end, in
# fresh connections, with no help of a superuser after license.grant_access().
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest 'as_role';
use Test::More;

my $node = LicenseTest::new_node('jobs');

# Only the DBA's part runs as a superuser: roles and their levels.
sub dba
{
	return $node->safe_psql('postgres', shift);
}

sub create_role
{
	my ($role, @grants) = @_;

	dba("CREATE ROLE $role LOGIN");
	dba("SELECT license.grant_access('$role', $_)") foreach @grants;
}

# The answer of the role's statement, which must be as expected
sub does
{
	my ($role, $sql, $expected, $name) = @_;
	my $answer = as_role($node, $role, $sql);

	ref $expected ? like($answer, $expected, $name) : is($answer, $expected, $name);
	return $answer;
}

# For a statement that answers an id
sub makes
{
	return does(@_[ 0, 1 ], qr/^\d+$/, $_[2]);
}

sub key_of
{
	my ($role, $account, $license) = @_;

	return does($role, "SELECT key FROM license.license WHERE account_id = $account AND license_id = $license", qr/^\w{5}(-\w{5}){4}$/,
		"$role: reads the key of its licence");
}

dba('CREATE EXTENSION pgcrypto');
my @tables = grep { $_ !~ /access$|voucher$|account_counter$|last_sweep$/ } LicenseTest::tables($node, 'postgres');
my @views = split /\n/, dba("SELECT oid::regclass FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind = 'v' ORDER BY 1");

# The vendor: level provider. Later scenes use the accounts it makes here.
create_role('vendor', q{'provider'});
does('vendor', <<'SQL', '', 'provider: sets up the accounts of the vendor, a distributor, partners and clients');
INSERT INTO license.account (account_id, parent_id, kind, name, email, region, currency, time_zone) VALUES
    (100, NULL, 'provider', 'Vendor', 'office@vendor.example', 'EU', 'EUR', 'Europe/Prague'),
    (200, 100, 'distributor', 'North', 'office@north.example', 'EU', 'EUR', 'Europe/Oslo'),
    (300, 100, 'partner', 'Partner', 'orders@partner.example', 'EU', 'EUR', 'Europe/Prague'),
    (400, 100, 'client', 'House owner', 'office@house.example', 'EU', 'EUR', 'Europe/Prague'),
    (500, 300, 'internal', 'Partner itself', NULL, 'EU', 'EUR', 'Europe/Prague');
SQL
does('vendor', <<'SQL', '', 'provider: sets up the catalogue, its prices, and which partner sells what');
INSERT INTO license.module (module, name) VALUES ('parking', 'Parking');
INSERT INTO license.offer (sku, name, family, unit, term, modules) VALUES ('VENDOR-1', 'Own offer', 'C2T', 'user', NULL, '{parking}');
UPDATE license.offer SET name = 'Renamed' WHERE sku = 'VENDOR-1';
INSERT INTO license.offer_price (sku, currency, min_quantity, unit_price) VALUES ('C2TU1', 'EUR', 1, 3), ('C2TU1', 'EUR', 100, 2.5), ('9137958', 'EUR', 1, 12);
UPDATE license.offer_price SET unit_price = 3.5 WHERE sku = 'C2TU1' AND min_quantity = 1;
DELETE FROM license.offer_price WHERE sku = 'C2TU1' AND min_quantity = 100;
INSERT INTO license.partner_offer (account_id, sku) VALUES (300, 'C2TU1'), (300, 'VENDOR-1');
UPDATE license.notice_stage SET lead = '45 days' WHERE stage = 1;
SQL
does('vendor', q{UPDATE license.account SET name = 'House owner Ltd' WHERE account_id = 400; SELECT name FROM license.account WHERE account_id = 400},
	'House owner Ltd', 'provider: renames an account');
my $enterprise = makes('vendor', q{SELECT license.create_enterprise('Counting', 'licensing@counting.example', 5, 1, 100)},
	'provider: creates an enterprise account with its licences');
does('vendor', "SELECT total || ' ' || floating FROM license.enterprise_overview WHERE account_id = $enterprise", '5 1',
	'provider: sees what the enterprise has');
does('vendor', "SELECT ends_at IS NOT NULL FROM license.add_licenses($enterprise, 2); SELECT license.renew_account($enterprise) IS NOT NULL;",
	"t\nt", 'provider: adds licences to the enterprise and renews it');
my ($voucher, $cancelled) = split /\n/, does('vendor', q{SELECT license.create_vouchers('9137958', 2, 2, 'shop')}, qr/^\S+\n\S+$/, 'provider: makes vouchers');
does('vendor', "SELECT license.cancel_voucher('$cancelled', 'returned'); SELECT unused || ' ' || cancelled FROM license.voucher_batch WHERE batch = 'shop'",
	"\n1 1", 'provider: cancels a voucher and sees the batch');
does('vendor', <<'SQL', '5', 'provider: lets a role in, sees its grant, and takes it away again');
SELECT license.grant_access('vendor', 'reader', 400) \g /dev/null
SELECT 5 FROM license.access WHERE level = 'reader' AND account_id = 400;
SELECT license.revoke_access('vendor', 'reader', 400) \g /dev/null
SELECT 6 FROM license.access WHERE level = 'reader';
SQL
does('vendor', 'SELECT count(*) FROM license.refresh_access()', '1', 'provider: lists all grants after an update or a restore');
does('vendor', join(';', map { "SELECT count(*) >= 0 FROM $_" } LicenseTest::tables($node, 'postgres'), @views), qr/^(t\n?)+$/,
	'provider: reads every table and view');

dba('CREATE EXTENSION pg_cron');
makes('vendor', 'SELECT license.schedule()', 'provider: schedules the sweep');
does('vendor', 'SELECT license.unschedule()', 't', 'provider: stops the schedule');

# A hotel below a distributor: level distributor, with the customer that requests the licence and the backend that connects
create_role('north', q{'distributor', 200});
my $installer = makes('north', q{INSERT INTO license.account (parent_id, kind, name, email) VALUES (200, 'partner', 'Installer', 'office@installer.example') RETURNING account_id},
	'distributor: sets up a partner below itself');
my $hotel = makes('north', "INSERT INTO license.account (parent_id, kind, name, email, region, currency, time_zone)
	VALUES ($installer, 'client', 'Hotel', 'office\@hotel.example', 'EU', 'EUR', 'Europe/Oslo') RETURNING account_id",
	'distributor: sets up an organization');
my $lobby = makes('north', "INSERT INTO license.site (account_id, name, sector) VALUES ($hotel, 'Lobby', 'hospitality') RETURNING site_id",
	'distributor: sets up a Location of the organization');
does('north', "UPDATE license.account SET name = 'Grand Hotel' WHERE account_id = $hotel; UPDATE license.site SET name = 'Grand Lobby', auto_renew = true WHERE account_id = $hotel;
	SELECT a.name, s.name, auto_renew FROM license.account a JOIN license.site s USING (account_id)", 'Grand Hotel|Grand Lobby|t',
	'distributor: renames the organization and the Location');
create_role('hotel', "'customer', $hotel");
create_role('hotel_backend', "'service', $hotel");
my $request = makes('hotel', "INSERT INTO license.license_request (account_id, site_id, partner_id, distributor_id, years, payment_form, rooms, modules)
	VALUES ($hotel, $lobby, $installer, 200, 2, 'annual', 10, '{business}') RETURNING request_id", 'customer: requests a licence for its Location');
does('north', "SELECT request_id FROM license.license_request WHERE license_id IS NULL", $request, 'distributor: sees the open request of the customer');
my $license = makes('north', "SELECT license.issue_license($hotel, $request)", 'distributor: issues the licence that was requested');
my $key = key_of('hotel', $hotel, $license);
does('hotel', "SELECT license.provision($hotel, $lobby, '$key')", 'pending_start', 'customer: provisions the key of the licence at its Location');
does('hotel_backend', "SELECT license.record_connection($hotel, $lobby, ('08:00:2b:00:00:0' || i)::macaddr) FROM generate_series(1, 5) i",
	join("\n", ('pending_start') x 4, 'in_use'), 'service: records connections of access points until the contract starts');
does('north', "SELECT license_key, organization, rooms, status FROM license.license_list", "$key|Grand Hotel|10|in_use", 'distributor: reads the list of licences');
does('north', "SELECT license.license_document($hotel, $license) <> '{}', license.license_data($hotel, $license) <> '{}'", 't|t',
	'distributor: reads the document and the data of the licence');
does('north', "SELECT code FROM license.validate('$key')", 'VALID', 'distributor: validates the key');
does('north', "SELECT license.deny_access($hotel, $license, 'not paid')", '', 'distributor: denies access to the licence');
does('hotel_backend', "SELECT code FROM license.validate('$key')", 'ACCESS_DENIED', 'service: learns that access was denied');
does('north', "SELECT license.restore_access($hotel, $license)", '', 'distributor: restores access');
does('north', "SELECT license.renew($hotel, $license, '1 year') > now() + interval '35 months'", 't', 'distributor: renews the licence by a year');
does('north', "SELECT license.finalize($hotel, $license, 'closed'); SELECT status, reason FROM license.license_list JOIN license.license USING (account_id, license_id, status)",
	"\ncontract_finalized|closed", 'distributor: finalizes the licence');
does('north', q{SELECT count(*) FROM license.create_vouchers('9137958', 3, 1, 'north')}, '3', 'distributor: makes vouchers');
does('north', "SELECT action FROM license.upgrade_log WHERE license_id = $license LIMIT 1", qr/\w/, 'distributor: reads the history of the licence');
does('north', 'SELECT count(*) FROM license.account', '3', 'distributor: sees itself and what lies below, and nothing else');

# Call2Teams: level partner
create_role('partner', q{'partner', 300});
does('partner', 'SELECT sku, unit_price, currency FROM license.available_offers(300) ORDER BY sku', qr/^C2TU1\|3.5\|EUR$/m, 'partner: sees what it may sell, and its prices');
my $oak = makes('partner', q{SELECT license.create_client(300, 'Oak', '{"C2TU1": 3}')}, 'partner: creates a client with an order');
does('partner', "UPDATE license.account SET name = 'Oak Ltd', email = 'it\@oak.example' WHERE account_id = $oak; SELECT name, email FROM license.account WHERE account_id = $oak",
	'Oak Ltd|it@oak.example', 'partner: renames the client and gives it an address');
my $quote = does('partner', qq{SELECT version, new_total FROM license.quote($oak, '{"C2TU1": 5}') WHERE sku IS NULL}, qr/^\w+\|17\.50*$/, 'partner: asks for a quote') =~ s/\|.*//r;
makes('partner', qq{SELECT license.place_order($oak, '{"C2TU1": 5}', '$quote')}, 'partner: orders what was quoted');
does('partner', 'SELECT account, sku, quantity, in_use FROM license.subscription', 'Oak Ltd|C2TU1|5|0', 'partner: sees the subscription of the client');
my $user = makes('partner', "INSERT INTO license.account_user (account_id, email) VALUES ($oak, 'ann\@oak.example') RETURNING user_id", 'partner: adds a user to the client');
does('partner', "UPDATE license.account_user SET email = 'ann.b\@oak.example', is_admin = true WHERE account_id = $oak", '', 'partner: changes the user');
my $subscription = makes('partner', "SELECT license_id FROM license.license WHERE account_id = $oak", 'partner: finds the licence of the client');
my $seat = does('partner', "SELECT code, seat_id FROM license.acquire_seat($oak, $subscription, 'user', user_id => $user)", qr/^GRANTED\|\d+$/,
	'partner: assigns a seat to the user') =~ s/.*\|//r;
does('partner', "SELECT count(*) FROM license.seat WHERE account_id = $oak AND user_id = $user", '1', 'partner: sees who has a seat');
does('partner', "SELECT license.release_seat($oak, $seat)", 't', 'partner: takes the seat back');
makes('partner', qq{SELECT license.place_order($oak, '{"C2TU1": 2}', placed_by => 'ann')}, 'partner: amends the order');
does('partner', 'SELECT quantity, unit_price, total FROM license.subscription', qr/^2\|3.5\|7.0+$/, 'partner: sees the amended order and its price');
does('partner', "SELECT count(*) FROM license.purchase JOIN license.purchase_line USING (account_id, purchase_id) WHERE account_id = $oak", '3',
	'partner: reads all orders of the client');
does('partner', "DELETE FROM license.account_user WHERE account_id = $oak AND user_id = $user RETURNING email", 'ann.b@oak.example', 'partner: removes the user');
my $application = makes('partner', q{SELECT license.apply_internal(500, 'C2TU-I1', 5, 'T-1')}, 'partner: applies for licences of its own use');
does('vendor', "SELECT license.decide_application(500, $application, true); SELECT state FROM license.internal_application", "\napproved",
	'provider: decides the application of a partner');

# My2N: level customer, from an empty account
create_role('house', q{'customer', 400});
my $site = makes('house', q{INSERT INTO license.site (account_id, name, site_type) VALUES (400, 'Riverside', 'apartment') RETURNING site_id}, 'customer: sets up a site');
does('house', "UPDATE license.site SET name = 'Riverside 1', auto_renew = true WHERE account_id = 400 RETURNING name", 'Riverside 1', 'customer: renames its site');
does('house', "INSERT INTO license.apartment (account_id, site_id, name) VALUES (400, $site, '1.1'), (400, $site, '1.2'), (400, $site, '1.9');
	UPDATE license.apartment SET name = '1.3' WHERE name = '1.2'; DELETE FROM license.apartment WHERE name = '1.9'; SELECT string_agg(name, ' ' ORDER BY name) FROM license.apartment",
	'1.1 1.3', 'customer: sets up, renames and removes apartments');
my $flat = makes('house', q{SELECT apartment_id FROM license.apartment WHERE name = '1.1'}, 'customer: finds an apartment by its name');
my $resident = makes('house', "INSERT INTO license.account_user (account_id, site_id, apartment_id, email, permissions)
	VALUES (400, $site, $flat, 'eve\@house.example', '{open_door}') RETURNING user_id", 'customer: adds a resident');
does('house', "UPDATE license.account_user SET permissions = '{open_door,garage}' WHERE user_id = $resident;
	SELECT license.has_permission(400, $resident, 'garage')", 't', 'customer: gives the resident a permission');
does('house', "SELECT license.set_password(400, $resident, 'correct horse')", '', 'customer: sets the password of the resident');
my $phone = makes('house', "INSERT INTO license.device (account_id, site_id, apartment_id, user_id, kind) VALUES (400, $site, $flat, $resident, 'phone') RETURNING device_id",
	'customer: adds a device; it gets a code by itself');
does('house', "UPDATE license.device SET mac = '08:00:2b:00:00:77', priority = 3 WHERE device_id = $phone; SELECT device_code, seats FROM license.device",
	'001|1', 'customer: changes the device');
does('house', "SELECT licenses_to_order, order_text FROM license.site_dashboard WHERE site_id = $site", qr/^1\|1x 9137958$/, 'customer: sees on the dashboard what to order');
does('house', "SELECT quantity, action FROM license.redeem_voucher(400, $site, '$voucher')", "1|added\n1|extended", 'customer: redeems a voucher');
does('house', "SELECT licenses_held, licenses_to_order FROM license.site_dashboard WHERE site_id = $site", '1|0', 'customer: sees the licences of the voucher on the dashboard');
does('house', "SELECT quantity FROM license.site_coverage(400, $site); SELECT apartment, covered FROM license.apartment_overview WHERE apartment_id = $flat", qr/^1\n1\.1\|t$/,
	'customer: sees which apartments are covered');
my $house_license = makes('house', 'SELECT license_id FROM license.license WHERE account_id = 400', 'customer: finds its licence');
does('house', "SELECT code FROM license.validate((SELECT key::text FROM license.license WHERE license_id = $house_license))", 'VALID', 'customer: validates its key');
does('house', "DELETE FROM license.device WHERE device_id = $phone RETURNING device_code; DELETE FROM license.account_user WHERE user_id = $resident RETURNING email",
	"001\neve\@house.example", 'customer: removes the device and the resident');
my $old = makes('vendor', q{INSERT INTO license.site (account_id, name, license_model, site_type, legacy_ends_at)
	VALUES (400, 'Old house', 'custom', NULL, now() + interval '1 year') RETURNING site_id}, 'provider: imports a site of the old model');
does('house', "SELECT count(*) FROM license.legacy_sites; SELECT count(*) FROM license.migration_blockers(400, $old)", "1\n0", 'customer: sees its old site and what blocks the migration');
my $migration = makes('house', "SELECT license.request_migration(400, $old)", 'customer: requests the migration of its old site');
does('vendor', "SELECT license.approve_migration(400, $migration)", '0', 'provider: approves the migration');
does('house', "SELECT license.set_site_type(400, $old, 'device'); SELECT license_model, site_type FROM license.site WHERE site_id = $old", "\nsubscription|device",
	'customer: sets the type of the site after the migration');
create_role('counting', "'customer', $enterprise");
does('counting', "SELECT license.split_pools($enterprise, 3); SELECT standard, floating FROM license.enterprise_overview", "\n4|3",
	'customer: splits the licences of an enterprise into standard and floating ones');
does('house', 'SELECT DISTINCT account_id FROM license.account', '400', 'customer: sees its own account and nothing else');

# A backend: level service
create_role('backend', "'service', $enterprise", q{'service', 400});
makes('vendor', "INSERT INTO license.account_user (account_id, user_id, email, permissions) VALUES ($enterprise, 7, 'user\@counting.example', '{scan}') RETURNING user_id",
	'provider: adds a user to the enterprise');
does('counting', "SELECT license.set_password($enterprise, 7, 'correct horse')", '', 'customer: sets the password of the user of the enterprise');
my ($session, $device) = split /\|/, does('backend', q{SELECT session_id, device_id, code, license_status
	FROM license.login('licensing@counting.example', 'user@counting.example', 'correct horse', 'TABLET-1', 'tablet')}, qr/^\d+\|\d+\|OK\|ACTIVE$/,
	'service: logs a user in; the new device gets a licence');
my ($lease_license) = makes('counting', "SELECT license_id FROM license.license WHERE account_id = $enterprise", 'customer: finds the licence of the enterprise');
my $device_seat = does('backend', "SELECT code, seat_id FROM license.acquire_seat($enterprise, $lease_license, 'device', device_id => $device)", qr/^ALREADY_HELD\|\d+$/,
	'service: acquires the seat of the device once more') =~ s/.*\|//r;
does('backend', "SELECT alive, code FROM license.heartbeat($enterprise, $device_seat)", qr/^t\|/, 'service: sends a heartbeat of the seat');
does('backend', "SELECT license.has_permission($enterprise, 7, 'scan')", 't', 'service: asks for a permission of the user');
my $spare = makes('counting', "INSERT INTO license.device (account_id, kind) VALUES ($enterprise, 'tablet') RETURNING device_id", 'customer: adds a second device');
my $moved = makes('backend', "SELECT license.move_seat($enterprise, $device, $spare)", 'service: moves the seat to another device');
does('backend', "SELECT license.release_seat($enterprise, $moved)", 't', 'service: releases the seat');
does('backend', "SELECT license.logout($enterprise, $session)", '', 'service: logs the user out');
my $count_key = key_of('counting', $enterprise, $lease_license);
does('backend', "SELECT code FROM license.validate('$count_key')", 'VALID', 'service: validates the key');
does('backend', "SELECT quantity, action FROM license.record_payment(400, $site, 1, 12, 'EUR', 'card-1'); SELECT quantity FROM license.record_payment(400, $site, 1, 12, 'EUR', 'card-1')",
	qr/^1\|(added|extended)\n/, 'service: records a payment, and a second time the same one');
does('backend', 'SELECT count(*) FROM license.license', qr/^42501/, 'service: reads no table');

# Jobs, the mailer and monitoring: level operator
does('north', "SELECT license.create_vouchers('9137958', 1)", qr/\w/, 'distributor: still makes vouchers when the operator begins its work');
does('vendor', "INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at)
	VALUES (400, 77, '9137958', $site, 'in_use', now() - interval '350 days', now() + interval '10 days'); SELECT 1", '1', 'provider: imports a licence that ends soon');
create_role('jobs', q{'operator'});
does('jobs', 'SELECT finalized, notices FROM license.sweep()', qr/^0\|[1-9]$/, 'operator: sweeps');
does('jobs', 'CALL license.run_sweep()', '', 'operator: runs the sweep as a cron job does');
my ($notice_account, $notice) = split /\|/, does('jobs', 'SELECT account_id, notice_id, kind FROM license.claim_notices(10) WHERE kind = $$expiry$$', qr/^400\|\d+\|expiry$/,
	'operator: claims the notices to be mailed');
does('jobs', "SELECT license.acknowledge_notices(ARRAY[$notice_account], ARRAY[$notice])", '1', 'operator: acknowledges the notice that was mailed');
does('jobs', 'LISTEN license_notice; SELECT 1', '1', 'operator: listens for new notices');
does('jobs', 'SELECT count(*) FROM license.check_seats()', '0', 'operator: checks all seat limits');
does('jobs', q{SELECT license.purge_denials(now() - interval '90 days')}, qr/^\d+$/, 'operator: purges old denials');
does('jobs', "SELECT count(*) FROM $_", qr/^42501/, "operator: reads no rows of $_") foreach 'license.account', 'license.notice', 'license.license_list';

# Reports: level reader, of one account and of all
create_role('report', q{'reader', 400});
create_role('statistics', q{'reader'});
does('report', "SELECT count(*) >= 0 FROM $_", 't', "reader: reads $_") foreach grep { !/voucher_batch/ } @views, @tables;
does('report', "SELECT string_agg(DISTINCT account_id::text, ' ') FROM $_", qr/^(400)?$/, "reader: finds nothing but its own account in $_")
  foreach grep { !/voucher_batch|offer_price|module|notice_stage|license\.offer$/ } @views, @tables;
does('report', "SELECT count(*) > 0 FROM license.expiring('1 month'); SELECT license.license_data(400, 77) <> '{}', license.license_document(400, 77) <> '{}';
	SELECT count(*) > 0 FROM license.site_coverage(400, $site)", "t\nt|t\nt", 'reader: asks for what expires, for the data and document of a licence, and for coverage');
does('report', "SELECT license.license_data($hotel, $license)", qr/^42501/, 'reader: gets no document of another account');
does('statistics', 'SELECT count(*) = (SELECT count(*) FROM license.license_list) AND count(DISTINCT account_id) > 3 FROM license.license', 't', 'reader: without an account reads all accounts');
foreach my $table (@tables)
{
	my $column = $table =~ /offer_price|license\.offer$/ ? 'sku' : $table =~ /module/ ? 'module' : $table =~ /stage/ ? 'stage' : 'account_id';

	does('report', $_, qr/^42501/, "reader: is refused $_")
	  foreach "INSERT INTO $table ($column) VALUES (NULL)", "UPDATE $table SET $column = $column", "DELETE FROM $table";
}

# Somebody's own tables: no level, only what the DBA grants to their owner
create_role('owner');
dba(q{CREATE SCHEMA app AUTHORIZATION owner; GRANT USAGE ON SCHEMA license TO owner;
	GRANT EXECUTE ON FUNCTION license.check_seats(), license.recount_seats(regclass) TO owner});
dba("GRANT EXECUTE ON FUNCTION $_ TO owner") foreach split /\n/, dba(q{SELECT oid::regprocedure FROM pg_proc WHERE proname IN ('attach_seat_limit', 'detach_seat_limit')});
does('owner', <<'SQL', '', 'K10: owner of tables: sets up its own tables');
CREATE TABLE app.org (org_id int PRIMARY KEY, seats int, used int NOT NULL DEFAULT 0);
CREATE TABLE app.member (member_id int PRIMARY KEY, org_id int CONSTRAINT member_org_fkey REFERENCES app.org);
INSERT INTO app.org (org_id, seats) VALUES (1, 2);
INSERT INTO app.member VALUES (1, 1);
SQL
does('owner', q{SELECT license.attach_seat_limit('app.member', 'member_org_fkey', 'used', 'seats'); SELECT used FROM app.org}, "\n1", 'K10: owner of tables: attaches a seat limit without a level');
does('owner', 'SELECT license.recount_seats(); SELECT count(*) FROM license.check_seats()', "0\n0", 'K10: owner of tables: recounts and checks its seats');
create_role('webapp');
does('owner', 'GRANT USAGE ON SCHEMA app TO webapp; GRANT ALL ON app.org, app.member TO webapp', '', 'K1: owner of tables: lets an application write them');

does('webapp', 'INSERT INTO app.member VALUES (2, 1); SELECT used FROM app.org', '2', 'K1: application role: writes a counted table with privileges on that table only');
does('webapp', 'INSERT INTO app.member VALUES (3, 1)', qr/^LX001/, 'K1: application role: is refused the third of two seats');
does('webapp', 'DELETE FROM app.member WHERE member_id = 2; UPDATE app.org SET seats = 1; SELECT used, seats FROM app.org', '1|1',
	'K1: application role: deletes, and lowers the limit');
does('webapp', 'UPDATE app.org SET seats = 0', qr/^LX032/, 'K1: application role: cannot lower the limit below use');
does('owner', q{SELECT license.detach_seat_limit('app.member', 'member_org_fkey'); INSERT INTO app.member VALUES (8, 1), (9, 1); SELECT count(*) FROM app.member}, qr/^\n[34]$/,
	'K10: owner of tables: detaches the seat limit');
does('owner', 'SELECT count(*) FROM license.account', qr/^42501/, 'K10: owner of tables: gets no row of ours by that');

$node->stop;
done_testing();
