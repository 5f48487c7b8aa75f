# How access_matrix.pl tries a function or a table: statements in the accounts of access_matrix.sql.
package AccessStatements;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(%calls %sample %inserts %updated);

# How to call a function for account $a, as role $r. It may be called when this answers at least one row, or fails with
# another SQLSTATE than 42501.
my $no_key = '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE';
our %calls = (
	acknowledge_notices => 'license.acknowledge_notices(ARRAY[920], ARRAY[12])',
	acquire_seat => q{license.acquire_seat($a, 6, 'device', device_id => 4)},
	add_licenses => 'license.add_licenses($a, 1)',
	apply_internal => q{license.apply_internal($a, 'C2TU-I1', 1, 't')},
	approve_migration => 'license.approve_migration($a, 10)',
	attach_seat_limit => q{license.attach_seat_limit('own_$r.child', 'fk', 'used', 'seats')},
	available_offers => '(SELECT count(*) FROM license.available_offers($a)) x',
	cancel_voucher => "license.cancel_voucher('$no_key', 'x')",
	check_seats => '(SELECT count(*) FROM license.check_seats()) x',
	claim_notices => '(SELECT count(*) FROM license.claim_notices()) x',
	coterm_days => q{license.coterm_days('{1}', '{1}')},
	create_client => q{license.create_client($a, 'New')},
	create_enterprise => q{license.create_enterprise('N', 'licensing@matrix.example', 1)},
	create_vouchers => q{license.create_vouchers('9137958', 1)},
	decide_application => 'license.decide_application($a, 11, false)',
	deny_access => q{license.deny_access($a, 6, 'x')},
	detach_seat_limit => q{license.detach_seat_limit('own_$r.child', 'attached')},
	error_codes => 'license.error_codes()',
	expiring => q{license.expiring('1 year') WHERE account_id = $a},
	finalize => q{license.finalize($a, 6, 'x')},
	generate_key => 'license.generate_key()',
	grant_access => q{license.grant_access('matrix_grantee', 'reader')},
	has_permission => q{license.has_permission($a, 3, 'x')},
	heartbeat => 'license.heartbeat($a, 7)',
	is_valid_key => q{license.is_valid_key('x')},
	issue_license => 'license.issue_license($a, 8)',
	license_data => 'license.license_data($a, 6)',
	license_document => 'license.license_document($a, 6)',
	login => q{license.login('licensing@a$a.example', 'u$a@matrix.example', 'correct horse') WHERE code = 'OK'},
	logout => 'license.logout($a, 5)',
	migration_blockers => '(SELECT count(*) FROM license.migration_blockers($a, 1)) x',
	move_seat => 'license.move_seat($a, 4, 4)',
	next_id => 'license.next_id()',
	place_order => q{license.place_order($a, '{"C2TU1": 2}')},
	provision => "license.provision(\$a, 1, '$no_key')",
	purge_denials => 'license.purge_denials(now(), $a)',
	quote => q{license.quote($a, '{"C2TU1": 2}')},
	record_connection => q{license.record_connection($a, 1, '08:00:2b:00:00:02')},
	record_payment => q{license.record_payment($a, 1, 1, 3, 'EUR', 'new')},
	recount_seats => 'license.recount_seats()',
	redeem_voucher => "license.redeem_voucher(\$a, 1, '$no_key')",
	refresh_access => 'license.refresh_access()',
	release_seat => 'license.release_seat($a, 7)',
	renew => q{license.renew($a, 6, '1 year')},
	renew_account => 'license.renew_account($a)',
	request_migration => 'license.request_migration($a, 20)',
	restore_access => 'license.restore_access($a, 6)',
	revoke_access => q{license.revoke_access('matrix_grantee')},
	# Inside a transaction block it gets as far as its own refusal of one.
	run_sweep => 'CALL license.run_sweep()',
	schedule => 'license.schedule()',
	set_password => q{license.set_password($a, 3, 'long enough')},
	set_site_type => q{license.set_site_type($a, 1, 'apartment')},
	site_coverage => '(SELECT count(*) FROM license.site_coverage($a, 1)) x',
	split_pools => 'license.split_pools($a, 0)',
	status_transitions => 'license.status_transitions()',
	sweep => 'license.sweep()',
	unschedule => 'license.unschedule()',
	validate => q{license.validate($key) WHERE valid});

# Values for the functions that are called by views, operators and policies only
our %sample = (
	bigint => '920', boolean => 'true', cstring => q{'x'::cstring}, integer => '1', internal => undef, interval => q{'1 day'}, jsonb => q{'{}'},
	'license.license_key' => "'$no_key'::license.license_key", 'license.granted_role' => undef, numeric => '1', text => q{'x'::text},
	'timestamp with time zone' => 'now()');

# A row to insert for account $a
our %inserts = (
	access => q{(role, level) VALUES ('matrix_grantee', 'reader')},
	account => q{(parent_id, kind, name) VALUES ($a, 'client', 'New')},
	account_user => q{(account_id, email) VALUES ($a, 'new@matrix.example')},
	apartment => q{(account_id, site_id, name) VALUES ($a, 1, 'new')},
	connection => q{(account_id, license_id, site_id, mac) VALUES ($a, 6, 1, '08:00:2b:00:00:03')},
	denial => q{(account_id, code) VALUES ($a, 'Y')},
	device => q{(account_id, device_code) VALUES ($a, 'new')},
	account_counter => q{(account_id) VALUES ($a)},
	sweep_state => q{(account_id, subject, subject_id, since, tried_at, sqlstate, message) VALUES ($a, 'seat', 1, now(), now(), '55P03', 'x')},
	last_sweep => q{(last_sweep_at, due_until, finalized, notices, skipped, seats_reclaimed, passed_by) VALUES (now(), now(), 0, 0, 0, 0, 0)},
	event => q{(account_id, actor, subject, subject_id, action) VALUES ($a, 'x', 'x', 1, 'x')},
	internal_application => q{(account_id, sku, quantity, ticket) VALUES ($a, 'C2TU-I1', 1, 't')},
	license => q{(account_id, sku, status) VALUES ($a, 'PARTNER-DEMO', 'pending_provision')},
	license_pool => q{(account_id, license_id, pool, maximum) VALUES ($a, 16, 'floating_device', 5)},
	license_request => q{(account_id, site_id, partner_id, distributor_id, years, payment_form, access_points) VALUES ($a, 1, 900, 900, 1, 'annual', 5)},
	migration_request => q{(account_id, site_id) VALUES ($a, 20)},
	module => q{(module, name) VALUES ('new', 'New')},
	notice => q{(account_id, kind, due_at) VALUES ($a, 'other', now())},
	notice_stage => q{(stage, lead, title) VALUES (20, '40 days', 'New')},
	offer => q{(sku, name, unit) VALUES ('NEW', 'New', 'user')},
	offer_price => q{(sku, currency, unit_price) VALUES ('T2TU1', 'EUR', 1)},
	partner_offer => q{(account_id, sku) VALUES ($a, 'T2TU1')},
	payment => q{(account_id, site_id, sku, quantity, amount, currency, provider_reference) VALUES ($a, 1, '9137958', 1, 1, 'EUR', 'new')},
	purchase => q{(account_id, placed_by) VALUES ($a, 'x')},
	purchase_line => q{(account_id, purchase_id, sku, old_quantity, new_quantity) VALUES ($a, 9, 'T2TU1', 0, 1)},
	seat => q{(account_id, license_id, pool, user_id) VALUES ($a, 6, 'device', 3)},
	session => q{(account_id, user_id) VALUES ($a, 3)},
	site => q{(account_id, name) VALUES ($a, 'new')},
	voucher => q{(sku, state, redeemed_account_id, redeemed_site_id, redeemed_at) VALUES ('9137958', 'used', $a, 1, now())});

# A column that levels other than the provider may update; for the other tables, that of the account
our %updated = (
	account => 'name', account_user => 'email', apartment => 'name', device => 'priority', site => 'name',
	module => 'name', notice_stage => 'title', offer => 'name', offer_price => 'unit_price', access => 'level');

1;
