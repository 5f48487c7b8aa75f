# A hot standby answers every question read-only, and with synchronous replication no acknowledged
# seat, order, payment or voucher is lost when it takes over from a primary that was killed.
# O36, T31, C25, M31, M34.
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
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (510, NULL, 'partner', 'Partner');
INSERT INTO license.account (account_id, parent_id, name) SELECT i, 510, 'client ' || i FROM generate_series(511, 514) i;
INSERT INTO license.partner_offer (account_id, sku) VALUES (510, 'C2TU250'), (510, 'T2TU1');
INSERT INTO license.site (account_id, site_id, name) SELECT 513 + i % 2, 51300 + i, 'site ' || i FROM generate_series(0, 19) i;
SQL
my @vouchers = split /\n/, $primary->safe_psql('postgres', "SELECT license.create_vouchers('9137958', 5000)");

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

# Clients note what was acknowledged to them, each act with its number, and the primary is killed under them.
sub statements
{
	my ($kind, $account, $first) = @_;

	return map { "SELECT 'seat', $_, seat_id FROM license.acquire_seat(500, 500, 'device', device_id => $_);" } map { $first + 2 * $_ } 1 .. 4999
	  if $kind eq 'seat';
	return map { "SELECT 'order', $account * 10000 + $_, license.place_order($account, '{\"C2TU250\": " . (250 + $_) . ", \"T2TU1\": " . (5000 - $_) . "}');" } 1 .. 4999
	  if $kind eq 'order';
	return map { "SELECT 'payment', $_, quantity || action || ends_at FROM license.record_payment($account, " . (51300 + 2 * ($_ % 10)) . ", 1, 30, 'EUR', 'p-$_');" } 1 .. 5000
	  if $kind eq 'payment';
	return map { "SELECT 'voucher', $_, ends_at FROM license.redeem_voucher($account, " . (51301 + 2 * ($_ % 10)) . ", '$vouchers[$_ - 1]');" } 1 .. 5000;
}

my @load = ([ 'seat', 500, 0 ], [ 'seat', 500, 1 ], [ 'order', 511 ], [ 'order', 512 ], [ 'payment', 513 ], [ 'voucher', 514 ]);
my @clients;
my @answers = ('') x @load;
foreach my $client (0 .. $#load)
{
	my $script = $primary->basedir . "/client$client.sql";

	append_to_file($script, join "\n", statements(@{ $load[$client] }), '');
	push @clients, IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $primary->connstr('postgres'), '-f', $script ],
		'<', \undef, '>', \$answers[$client], '2>', '/dev/null');
}
usleep(2_000_000);
$primary->kill9;
$_->finish foreach @clients;

my %acknowledged = map { $_ => [] } qw(seat order payment voucher);
push @{ $acknowledged{ $_->[0] } }, $_ foreach map { [ split /\|/ ] } map { split /\n/ } @answers;
cmp_ok(scalar @{ $acknowledged{$_} }, '>', 20, "${_}s were acknowledged before the primary was killed") foreach sort keys %acknowledged;

# How many of the rows ($number, $answer) a condition does not hold for
sub missing
{
	my ($kind, $condition) = @_;
	my $rows = join ', ', map { "($_->[1], '$_->[2]')" } @{ $acknowledged{$kind} };

	return $standby->safe_psql('postgres', "SELECT count(*) FROM (VALUES $rows) a (number, answer) WHERE NOT EXISTS ($condition)");
}

$standby->promote;
is(missing('seat', 'SELECT FROM license.seat WHERE account_id = 500 AND seat_id = answer::bigint AND device_id = number'),
	'0', 'T31: no acknowledged seat is lost');
is( missing('order', q{SELECT FROM license.purchase p JOIN license.purchase_line l USING (account_id, purchase_id)
		WHERE p.account_id = number / 10000 AND p.purchase_id = answer::bigint
		HAVING jsonb_object_agg(l.sku, l.new_quantity) = jsonb_build_object('C2TU250', 250 + number % 10000, 'T2TU1', 5000 - number % 10000)}),
	'0', 'C25: no acknowledged order is lost, nor a line of it');
is( missing('payment', q{SELECT FROM license.payment, jsonb_to_recordset(outcome) AS o (quantity int, action text, ends_at timestamptz)
		WHERE account_id = 513 AND provider_reference = 'p-' || number AND o.quantity || o.action || o.ends_at = answer}),
	'0', 'M31: no acknowledged payment is lost');
my $codes = join ', ', map { "(" . ($_ + 1) . ", '$vouchers[$_]')" } 0 .. $#vouchers;
is( missing('voucher', "SELECT FROM license.voucher v JOIN (VALUES $codes) c (n, code) ON v.code OPERATOR(license.=) c.code::license.license_key
		WHERE c.n = number AND v.state = 'used' AND v.redeemed_account_id = 514"),
	'0', 'M34: no acknowledged voucher can be redeemed again');

# What was under way is there as a whole or not at all.
is($standby->safe_psql('postgres', <<'SQL'), '0|0|0', 'C25: no order has half of its lines, licences or history');
SELECT count(*) FILTER (WHERE (SELECT count(*) FROM license.purchase_line l WHERE (l.account_id, l.purchase_id) = (p.account_id, p.purchase_id)) <> 2),
    count(*) FILTER (WHERE NOT EXISTS (SELECT FROM license.event e
        WHERE e.account_id = p.account_id AND e.subject = 'purchase' AND e.subject_id = p.purchase_id)),
    (SELECT count(*) FROM (SELECT DISTINCT ON (account_id, sku) account_id, sku, new_quantity FROM license.purchase_line
        WHERE account_id IN (511, 512) ORDER BY account_id, sku, purchase_id DESC) l
        JOIN license.license USING (account_id, sku) JOIN license.license_pool USING (account_id, license_id) WHERE maximum <> new_quantity)
FROM license.purchase p WHERE p.account_id IN (511, 512)
SQL
my $years = "(SELECT sum(maximum * round(extract(epoch FROM ends_at - starts_at) / 86400 / 365.25))
	FROM license.license JOIN license.license_pool USING (account_id, license_id) WHERE account_id = %s)";
is($standby->safe_psql('postgres', sprintf("SELECT $years - count(*) FROM license.payment WHERE account_id = 513", 513)),
	'0', 'M31: each payment granted its year');
is($standby->safe_psql('postgres', sprintf("SELECT $years - count(*) FROM license.voucher WHERE redeemed_account_id = 514", 514)),
	'0', 'M34: and so did each voucher');
my $answered = join "\n", sort map { "$_->[1]|$_->[2]" } @{ $acknowledged{payment} };
my $retried = $standby->safe_psql('postgres', join "\n", map { s/'payment', //r } grep { /'payment', (\d+),/ && $1 <= @{ $acknowledged{payment} } } statements('payment', 513));
is(join("\n", sort split /\n/, $retried), $answered, 'M31: a payment sent again is answered the same');
is($standby->safe_psql('postgres', sprintf("SELECT $years - count(*) FROM license.payment WHERE account_id = 513", 513)),
	'0', 'and grants nothing more');
is($standby->safe_psql('postgres', 'SELECT * FROM license.check_seats()'), '', 'every counter is exact');
is($standby->safe_psql('postgres', 'SELECT in_use = (SELECT count(*) FROM license.seat WHERE license_id = 500) FROM license.license_pool WHERE license_id = 500'),
	't', 'the pool knows its seats');
is($standby->safe_psql('postgres', "SELECT code FROM license.acquire_seat(500, 500, 'device', device_id => 20000)"), 'GRANTED', 'and gives the next one');
cmp_ok($standby->safe_psql('postgres', 'SELECT license.next_id()'), '>', (sort { $b <=> $a } map { $_->[2] } @{ $acknowledged{seat} })[0], 'ids go on');

$standby->stop;
done_testing();
