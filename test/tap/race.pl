# M12, T31: many clients at once, at every isolation level, never oversell a seat, never
# deadlock, and leave every counter exact.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 24;
my $transactions = 40;

my $node = LicenseTest::new_node('race');

$node->safe_psql('postgres', <<'SQL');
INSERT INTO license.account (account_id, name) VALUES (1, 'Race');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 1, 'House');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name)
    SELECT 1, i, 1, 'apartment ' || i FROM generate_series(1, 60) i;
CREATE SEQUENCE device_number START 1000;
-- A refused seat is an answer here, anything else is not caught.
CREATE FUNCTION attempt(statement text) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN EXECUTE statement; RETURN true; EXCEPTION WHEN SQLSTATE 'LX001' THEN RETURN false; END$$;
-- Statements of very different size meet, so that parents would be locked in different
-- orders if the order were left to chance.
CREATE FUNCTION add_devices(client int, amount int) RETURNS boolean LANGUAGE sql AS
    $$SELECT attempt(format('INSERT INTO license.device (account_id, device_id, user_id, site_id, apartment_id, device_code, priority)
        SELECT 1, n, NULL, 1, 1 + (random() * 59)::int, n::text, %s
        FROM (SELECT nextval(''device_number'') AS n FROM generate_series(1, %s)) s', client, amount))$$;
CREATE FUNCTION move_devices(client int) RETURNS boolean LANGUAGE sql AS
    $$SELECT attempt(format('UPDATE license.device SET apartment_id = 1 + (random() * 59)::int
        WHERE account_id = 1 AND priority = %s AND device_code !~ ''^f'' AND random() < 0.3', client))$$;
CREATE FUNCTION switch_devices(client int) RETURNS boolean LANGUAGE sql AS
    $$SELECT attempt(format('UPDATE license.device SET mode = CASE mode WHEN ''cloud'' THEN ''local'' ELSE ''cloud'' END
        WHERE account_id = 1 AND priority = %s AND device_code !~ ''^f'' AND random() < 0.3', client))$$;
CREATE FUNCTION drop_devices(client int) RETURNS boolean LANGUAGE sql AS
    $$SELECT attempt(format('DELETE FROM license.device WHERE account_id = 1 AND priority = %s AND device_code !~ ''^f'' AND random() < 0.3', client))$$;
SQL

my $script = $node->basedir . '/race.sql';
append_to_file($script, <<'SQL');
\set what random(0, 9)
\set amount random(1, 6)
\if :what < 4
SELECT add_devices(:client_id, :amount);
\elif :what = 4
SELECT add_devices(:client_id, 30);
\elif :what = 5
SELECT switch_devices(:client_id);
\elif :what < 8
SELECT move_devices(:client_id);
\else
SELECT drop_devices(:client_id);
\endif
SQL

# A floating pool of 10 seats and 60 devices: taken, given back, left to run out.
$node->safe_psql('postgres', <<'SQL');
UPDATE license.account SET floating_strategy = 'idle_longest', floating_min_idle = '5 milliseconds';
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at)
    VALUES (1, 1, 'COUNT-ANNUAL', 'in_use', now() - interval '1 day', now() + interval '1 year');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (1, 1, 'floating_device', 10);
INSERT INTO license.device (account_id, device_id, device_code, mode, priority)
    SELECT 1, i, 'f' || i, 'local', -1 FROM generate_series(1, 60) i;
SQL

my $pool_script = $node->basedir . '/pool.sql';
append_to_file($pool_script, <<'SQL');
\set what random(0, 9)
\set device random(1, 60)
\if :what < 5
SELECT * FROM license.acquire_seat(1, 1, 'floating_device', device_id => :device, lease => '20 milliseconds');
\elif :what < 7
SELECT * FROM license.acquire_seat(1, 1, 'floating_device', device_id => :device);
\elif :what < 9
SELECT license.release_seat(1, seat_id) FROM license.seat WHERE account_id = 1 AND device_id = :device;
\else
SELECT license.sweep();
\endif
SQL

sub look
{
	return $node->safe_psql('postgres', shift);
}

foreach my $level ('read committed', 'repeatable read', 'serializable')
{
	$node->command_ok(
		[
			'env', "PGOPTIONS=-c default_transaction_isolation=" . ($level =~ s/ /\\ /gr),
			'pgbench', '-n', '-c', $clients, '-j', 2, '-t', $transactions,
			'--max-tries=1000', '-M', 'prepared', '-f', $script, 'postgres'
		],
		"M12: $clients clients work at $level");
	is(look('SELECT count(*) FROM license.apartment WHERE seats_used > seat_limit'),
		'0', "M12: no apartment over its limit at $level");
	is(look('SELECT count(*) FROM license.check_seats()'),
		'0', "M12: every counter exact at $level");
	$node->command_ok(
		[
			'env', "PGOPTIONS=-c default_transaction_isolation=" . ($level =~ s/ /\\ /gr),
			'pgbench', '-n', '-c', $clients, '-j', 2, '-t', $transactions,
			'--max-tries=1000', '-M', 'prepared', '-f', $pool_script, 'postgres'
		],
		"T31: $clients clients share a floating pool at $level");
	is(look('SELECT count(*) <= 10 AND count(*) = (SELECT in_use FROM license.license_pool) FROM license.seat'),
		't', "T31: the floating pool is not oversold and its counter exact at $level");
	cmp_ok(look('SELECT sum(seats_used) FROM license.apartment'),
		'>', 100, "M12: the apartments were contended at $level");
}
is(look('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'),
	'0', 'M12: no deadlock')
  or diag(slurp_file($node->logfile) =~ /(ERROR:  deadlock detected.*?STATEMENT:[^\n]*)/s);

$node->stop;
done_testing();
