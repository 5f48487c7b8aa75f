# Whatever takes long can be cancelled, soon, and leaves no trace. T31.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('cancel');

$node->safe_psql('postgres', <<'SQL');
INSERT INTO license.account (account_id, kind, name, email) VALUES (1, 'partner', 'Partner', 'office@partner.example');
INSERT INTO license.account (account_id, parent_id, name, email) VALUES (2, 1, 'Client', 'office@client.example');
INSERT INTO license.site (account_id, site_id, name) VALUES (2, 1, 'Houses'), (2, 2, 'Village');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) SELECT 2, n, 1, 'flat ' || n FROM generate_series(1, 6000) n;
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) SELECT 2, n, 1, n, n::text FROM generate_series(1, 6000) n;
-- Licences that end, one unit each
INSERT INTO license.license (account_id, license_id, site_id, sku, status, term, starts_at, ends_at)
    SELECT 2, n, 2, '9137958', 'in_use', '1 year', '2026-01-01', '2027-01-01' FROM generate_series(1, 4000) n;
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) SELECT 2, n, 'apartment', 1 FROM generate_series(1, 4000) n;
-- Leases that run out
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    VALUES (2, 20000, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-01', '2028-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (2, 20000, 'device', 20000);
INSERT INTO license.seat (account_id, license_id, pool, device_id, acquired_at, expires_at)
    SELECT 2, 20000, 'device', n, '2026-01-01', '2026-02-01' FROM generate_series(1, 4000) n;
-- Refusals of years
INSERT INTO license.denial (account_id, at, code) SELECT 1 + n % 2, '2026-01-01', 'NO_SEATS_AVAILABLE' FROM generate_series(1, 50000) n;
-- An order of everything
INSERT INTO license.offer (sku, name, family, unit, term, audience) SELECT 'SKU-' || n, 'Offer ' || n, 'F' || n, 'user', '1 year', 'public' FROM generate_series(1, 300) n;
INSERT INTO license.partner_offer (account_id, sku) SELECT 1, 'SKU-' || n FROM generate_series(1, 300) n;
ANALYZE;
SQL

# Everything that could have been left behind, but for what counts on in sequences
my @tables = LicenseTest::tables($node, 'postgres');
my $before = LicenseTest::contents($node, 'postgres', @tables);

my $items = '{' . join(', ', map { "\"SKU-$_\": 5" } 1 .. 300) . '}';
my @long = (
	[ 'create_vouchers', "SELECT count(*) FROM license.create_vouchers('9137958', 100000)" ],
	[ 'sweep', "SELECT license.sweep('2027-01-02', 100000)" ],
	[ 'sweep of leases', "SELECT license.sweep('2026-02-02', 100000)" ],
	[ 'record_payment', "SELECT count(*) FROM license.record_payment(2, 2, 10000, 1, 'EUR', 'p-1', at => '2026-06-01')" ],
	[ 'purge_denials', 'SELECT license.purge_denials(now())' ],
	[ 'place_order', "SELECT license.place_order(2, '$items')" ],
	[ 'quote', "SELECT count(*) FROM license.quote(2, '$items')" ],
	[ 'check_seats', 'SELECT count(*) FROM license.check_seats()' ],
	[ 'recount_seats', 'SELECT license.recount_seats()' ],
	[ 'a move of all devices', 'UPDATE license.device SET apartment_id = 6001 - apartment_id' ],
	[ 'devices that go', 'DELETE FROM license.device WHERE device_id > 2000' ],
	[ 'a longer term for all', "UPDATE license.license SET ends_at = ends_at + interval '1 year' WHERE account_id = 2 AND license_id <= 4000" ],
	[ 'another time zone', "UPDATE license.account SET time_zone = 'Asia/Tokyo' WHERE account_id = 2" ],
	[ 'another stage', "INSERT INTO license.notice_stage (stage, lead, title) VALUES (7, '2 years', 'early')" ],
	[ 'a deep tree', "INSERT INTO license.account (account_id, parent_id, name) SELECT n, nullif(n - 1, 9999), 'below ' || n FROM generate_series(10000, 13000) n" ],
	[ 'migration_blockers', 'SELECT count(*) FROM license.migration_blockers(2, 1)' ],
	[ 'coterm_days', "SELECT license.coterm_days(array_fill(1, ARRAY[5000000]), array_fill(1, ARRAY[5000000]))" ]);

my @limits = (2, 20, 100);

# What a machine finishes in time is undone, too.
sub cancel
{
	my ($statement, @milliseconds) = @_;
	my ($status, $out, $err) = $node->psql('postgres', join("\n", '\set VERBOSITY sqlstate',
			map { "BEGIN;\nSET LOCAL statement_timeout = $_;\n\\timing on\n$statement;\n\\timing off\nROLLBACK;" } @milliseconds) . "\n",
		on_error_stop => 0);
	my @codes = $err =~ /ERROR:  (.*)/g;
	my @times = $out =~ /^Time: ([\d.]+) ms/mg;

	return (\@codes, \@times);
}

foreach my $case (@long)
{
	my ($name, $statement) = @$case;
	my ($codes, $times) = cancel($statement, @limits);
	my ($late) = sort { $b <=> $a } map { $times->[$_] - $limits[$_] } 0 .. $#limits;

	like("@$codes", qr/^57014( 57014)*$/, "$name is cancelled");
	cmp_ok($late, '<', 1000, 'soon, in milliseconds');
	note("$name after @$times ms: @$codes");
}
is(LicenseTest::contents($node, 'postgres', @tables), $before, 'nothing is left of any of them');
is($node->safe_psql('postgres', 'SELECT count(*) FROM license.check_seats()'), '0', 'every counter is exact');

$node->stop;
done_testing();
