# Seats of a transaction that is prepared and not yet decided are taken, also after a crash: nobody gets them meanwhile.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('prepared');

sub answer
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

sub sqlstate_is
{
	my ($sql, $sqlstate, $what) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET lock_timeout = '200ms'; $sql", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);

	like($err, qr/ERROR:\s+$sqlstate/, $what);
}

sub crash
{
	$node->stop('immediate');
	$node->start;
}

$node->append_conf('postgresql.conf', 'max_prepared_transactions = 10');
$node->restart;
answer(<<'SQL');
INSERT INTO license.account (account_id, name) VALUES (1, 'A');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 10, 'S');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name) VALUES (1, 11, 10, 'X');
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) SELECT 1, n, 10, 11, n::text FROM generate_series(1, 3) n;
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    VALUES (1, 20, 'COUNT-ANNUAL', 'in_use', '1 year', now() - interval '1 day', now() + interval '1 year');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (1, 20, 'device', 1);
SQL
my $fourth = 'INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) VALUES (1, %d, 10, 11, %1$d)';
my $seats = 'SELECT seats_used FROM license.apartment WHERE apartment_id = 11';

answer('BEGIN; ' . sprintf($fourth, 4) . "; PREPARE TRANSACTION 'fourth'");
sqlstate_is(sprintf($fourth, 5), '55P03', 'M12: the last seat of an apartment is spoken for while a transaction is prepared');
crash();
sqlstate_is(sprintf($fourth, 5), '55P03', 'M12: also after a crash');
is(answer($seats), '3', 'M12: and not counted yet');
answer("ROLLBACK PREPARED 'fourth'");
answer(sprintf($fourth, 5));
is(answer($seats), '4', 'M12: rolled back, it is free');

answer("DELETE FROM license.device WHERE device_id = 5; BEGIN; " . sprintf($fourth, 6) . "; PREPARE TRANSACTION 'fourth'");
crash();
answer("COMMIT PREPARED 'fourth'");
sqlstate_is(sprintf($fourth, 7), 'LX001', 'M11: committed, it is taken');
is(answer($seats), '4', 'M12: and counted once');

answer("BEGIN; SELECT license.acquire_seat(1, 20, 'device', device_id => 1); PREPARE TRANSACTION 'seat'");
sqlstate_is("SELECT license.acquire_seat(1, 20, 'device', device_id => 2)", '55P03', 'T31: nor is the last seat of a pool given twice');
crash();
answer("COMMIT PREPARED 'seat'");
is(answer("SELECT granted, code FROM license.acquire_seat(1, 20, 'device', device_id => 2)"), 'f|NO_SEATS_AVAILABLE', 'T31: it is gone');
is(answer("SELECT granted, code FROM license.acquire_seat(1, 20, 'device', device_id => 1)"), 't|ALREADY_HELD', 'T31: to who prepared it');
is(answer('SELECT count(*) FROM license.check_seats()'), '0', 'every count is right');

sqlstate_is("BEGIN; SELECT license.sweep(now() + interval '2 years'); PREPARE TRANSACTION 'sweep'", '0A000',
	'O39: a sweep with notices cannot be prepared');
is(answer('SELECT count(*) FROM license.notice'), '0', 'O39: and has told nobody then');

$node->stop;
done_testing();
