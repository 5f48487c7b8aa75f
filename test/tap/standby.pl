# A hot standby answers every question read-only, and with synchronous replication no acknowledged
# seat is lost when it takes over from a primary that was killed. O36, T31.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use LicenseTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $primary = LicenseTest::new_node('primary', allows_streaming => 1);
LicenseTest::fill($primary, 'postgres');
$primary->safe_psql('postgres', <<'SQL');
INSERT INTO license.account (account_id, name) VALUES (500, 'Busy');
INSERT INTO license.device (account_id, device_id, device_code) SELECT 500, i, i::text FROM generate_series(1, 20000) i;
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    VALUES (500, 500, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-01', '2999-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (500, 500, 'device', 20000);
SQL

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\nsynchronous_commit = on");
$primary->reload;
$primary->wait_for_catchup($standby);

# Questions have one answer on both.
my $key = $primary->safe_psql('postgres', 'SELECT key FROM license.license WHERE license_id = 500');
my @questions = (
	"SELECT * FROM license.validate('$key', at => '2026-12-01')",
	"SELECT * FROM license.validate('$key', '1', at => '2026-12-01')",
	"SELECT * FROM license.validate('no key at all')",
	'SELECT license.license_data(4, 83)',
	'SELECT license.license_document(4, 82)',
	"SELECT * FROM license.expiring('100 years', '2026-12-01')",
	'SELECT * FROM license.status_transitions()',
	'SELECT * FROM license.error_codes()',
	'SELECT * FROM license.available_offers(4)',
	"SELECT * FROM license.quote(4, '{\"VENDOR-1\": 3}')",
	"SELECT * FROM license.site_coverage(4, 11, '2026-12-01')",
	'SELECT * FROM license.migration_blockers(4, 14)',
	"SELECT license.has_permission(4, 32, 'open_door')",
	'SELECT * FROM license.check_seats()');
push @questions, map { "SELECT * FROM $_ v ORDER BY v::text" } split /\n/, $primary->safe_psql('postgres', <<'SQL');
SELECT oid::regclass FROM pg_class WHERE relnamespace = 'license'::regnamespace AND relkind = 'v' ORDER BY 1
SQL

foreach my $question (@questions)
{
	my ($status, $here, $error) = $primary->psql('postgres', $question);
	my ($status_there, $there, $error_there) = $standby->psql('postgres', $question);

	is("$there$error_there", "$here$error", "the standby answers: $question");
	unlike($error_there, qr/ERROR/, 'without an error');
}
my ($status, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT license.acquire_seat(500, 500, 'device', device_id => 1)");
like($err, qr/25006/, 'what writes is refused on the standby');

# Clients note the seats that were acknowledged, and the primary is killed under them.
my @clients;
my @acknowledged = ('') x 4;
foreach my $client (0 .. 3)
{
	my $script = $primary->basedir . "/client$client.sql";

	append_to_file($script, "SELECT seat_id FROM license.acquire_seat(500, 500, 'device', device_id => $_);\n")
	  foreach map { 1 + $client + 4 * $_ } 0 .. 4999;
	push @clients, IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $primary->connstr('postgres'), '-f', $script ],
		'<', \undef, '>', \$acknowledged[$client], '2>', '/dev/null');
}
usleep(1_500_000);
$primary->kill9;
$_->finish foreach @clients;
my @seats = map { split /\n/ } @acknowledged;
cmp_ok(scalar @seats, '>', 20, 'seats were taken before the primary was killed');

$standby->promote;
is($standby->safe_psql('postgres', 'SELECT count(*) FROM unnest(ARRAY[' . join(',', @seats) . ']::bigint[]) s
    WHERE NOT EXISTS (SELECT FROM license.seat WHERE account_id = 500 AND seat_id = s)'), '0', 'no acknowledged seat is lost');
is($standby->safe_psql('postgres', 'SELECT * FROM license.check_seats()'), '', 'every counter is exact');
is($standby->safe_psql('postgres', 'SELECT in_use = (SELECT count(*) FROM license.seat WHERE license_id = 500) FROM license.license_pool WHERE license_id = 500'),
	't', 'the pool knows its seats');
is($standby->safe_psql('postgres', "SELECT code FROM license.acquire_seat(500, 500, 'device', device_id => 20000)"), 'GRANTED', 'and gives the next one');
cmp_ok($standby->safe_psql('postgres', 'SELECT license.next_id()'), '>', (sort { $b <=> $a } @seats)[0], 'ids go on');

$standby->stop;
done_testing();
