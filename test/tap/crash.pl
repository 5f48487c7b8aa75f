# The postmaster is killed again and again under mixed load: every counter stays exact, nothing is
# done by half, and no notice is raised twice or lost. M12, O39, C25, T31.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $crashes = 10;
my $node = LicenseTest::new_node('crash');

sub answer
{
	return $node->safe_psql('postgres', shift);
}

answer(<<'SQL');
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (1, NULL, 'provider', 'Vendor'), (2, 1, 'partner', 'Partner');
INSERT INTO license.account (account_id, parent_id, name) SELECT i, 2, 'client ' || i FROM generate_series(11, 20) i;
INSERT INTO license.partner_offer (account_id, sku) VALUES (2, 'C2TU1'), (2, 'T2TU1');
INSERT INTO license.site (account_id, site_id, name) VALUES (11, 1, 'House');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) SELECT 11, i, 1, 'apartment ' || i FROM generate_series(1, 30) i;
INSERT INTO license.device (account_id, device_id, device_code) SELECT 12, i, i::text FROM generate_series(1, 50) i;
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    VALUES (12, 1, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-01', '2999-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (12, 1, 'device', 20);
-- What the sweep has to do: an end every hour
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    SELECT 13, 1000 + i, '9137958', 'in_use', '1 year', '2026-01-01', '2027-01-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 100) i;
CREATE SEQUENCE device_number START 1000;
CREATE SEQUENCE hours;
CREATE FUNCTION attempt(statement text) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN EXECUTE statement; RETURN true; EXCEPTION WHEN SQLSTATE 'LX001' THEN RETURN false; END$$;
SQL

my %scripts = (
	devices => <<'SQL',
\set flat random(1, 30)
\set new_flat random(1, 30)
SELECT attempt(format('INSERT INTO license.device (account_id, site_id, apartment_id, device_code) SELECT 11, 1, %s, nextval(''device_number'')::text FROM generate_series(1, 2)', :flat));
SELECT attempt(format('UPDATE license.device SET apartment_id = %s WHERE account_id = 11 AND apartment_id = %s', :new_flat, :flat));
DELETE FROM license.device WHERE account_id = 11 AND apartment_id = :new_flat;
SQL
	seats => <<'SQL',
\set device random(1, 50)
SELECT license.acquire_seat(12, 1, 'device', device_id => :device);
DELETE FROM license.seat WHERE account_id = 12 AND device_id = (:device % 50) + 1;
SQL
	orders => <<'SQL',
\set account random(11, 20)
\set users random(1, 100)
\set trunks random(1, 100)
SELECT license.place_order(:account, format('{"C2TU1": %s, "T2TU1": %s}', :users, :trunks)::jsonb);
SQL
	sweep => <<'SQL',
SELECT license.sweep('2026-11-30'::timestamptz + nextval('hours') * interval '1 hour', 20);
SQL
);
my @load = map { append_to_file($node->basedir . "/$_.sql", $scripts{$_}); ('-f', $node->basedir . "/$_.sql") } sort keys %scripts;

# The killed postmaster and its children must be gone, and reaped, before another one starts.
sub start_again
{
	for (1 .. 100)
	{
		return 1 if $node->start(fail_ok => 1);
		$node->{_pid} = undef;    # read from the file of the killed one
		usleep(50_000);
	}
	return 0;
}

# One order: one purchase with its lines, and pools that say the same
my $half_orders = <<'SQL';
SELECT count(*) FROM license.purchase p WHERE (SELECT count(*) FROM license.purchase_line l
    WHERE l.account_id = p.account_id AND l.purchase_id = p.purchase_id) = 0
UNION ALL SELECT count(*) FROM (SELECT DISTINCT ON (account_id, sku) account_id, sku, new_quantity FROM license.purchase_line
    ORDER BY account_id, sku, purchase_id DESC) l
    LEFT JOIN (SELECT account_id, sku, sum(maximum) AS maximum FROM license.license JOIN license.license_pool USING (account_id, license_id)
        GROUP BY 1, 2) h USING (account_id, sku) WHERE coalesce(h.maximum, 0) <> l.new_quantity
SQL

my $done = 0;
foreach my $crash (1 .. $crashes)
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $output = '';
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 30, @load, 'postgres' ], '<', \undef, '>', \$output, '2>', \$output);

	usleep(300_000);
	$node->kill9;
	# Busy backends outlive their postmaster until their client is gone.
	$bench->signal('KILL');
	eval { $bench->finish };
	start_again() or BAIL_OUT('the server does not start again');
	is(answer("SELECT count(*) FROM license.check_seats() UNION ALL ($half_orders)"), "0\n0\n0", "crash $crash: every counter is exact and no order done by half");
	unlike($output, qr/ERROR:(?!.*(?:could not serialize|terminat|shutting down|server closed))/, "crash $crash: nothing failed before");
}

my $worked = answer('SELECT (SELECT count(*) FROM license.purchase) > 0 AND (SELECT last_value FROM device_number) > 1000
    AND (SELECT count(*) FROM license.notice) > 0 AND (SELECT in_use FROM license.license_pool WHERE license_id = 1) > 0');
is($worked, 't', 'there was work to lose');

# The jobs go on where they were: at the end each of the 100 has ended and had each of its notices once.
1 while answer("SELECT notices + finalized > 0 FROM license.sweep('2027-06-01')") eq 't';
is(answer('SELECT count(*) FROM license.license WHERE account_id = 13 AND status = \'contract_finalized\''), '100', 'O40: every contract ended');
is( answer('SELECT count(*), count(DISTINCT (license_id, stage)) FROM license.notice WHERE account_id = 13'),
	'600|600', 'O39: every notice is there once');
is(answer("SELECT count(*) FROM license.event WHERE account_id = 13 AND subject = 'license'
    AND new ->> 'status' = 'contract_finalized'"), '100', 'O34: every end is in the history once');

$node->stop;
done_testing();
