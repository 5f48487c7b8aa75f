# validate on a hot standby, and what a refused key leaves in the server log.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use LicenseTest qw(new_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $key = '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE';
my $primary = new_node('primary', allows_streaming => 1);

$primary->safe_psql('postgres', <<SQL);
INSERT INTO license.account (account_id, name) VALUES (1, 'House');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 10, 'North');
INSERT INTO license.license (account_id, license_id, sku, key, status, term, starts_at, ends_at)
VALUES (1, 500, 'COUNT-ANNUAL', '$key', 'in_use', '1 year', '2026-01-01', '2027-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (1, 500, 'device', 1);
INSERT INTO license.device (account_id, device_id, device_code) VALUES (1, 1, '001'), (1, 2, '002');
INSERT INTO license.seat (account_id, license_id, pool, device_id) VALUES (1, 500, 'device', 1);
SQL

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

sub answer
{
	my ($arguments) = @_;

	return $standby->safe_psql('postgres',
		"SELECT code, warnings FROM license.validate('$key', $arguments)");
}

is(answer("NULL, NULL, '2026-06-01'"), 'VALID|{POOL_FULL}', 'contract 5: a standby answers');
is(answer("'001', NULL, '2026-06-01'"), 'VALID|{POOL_FULL}', 'contract 5: for a device with a seat');
is(answer("'002', NULL, '2026-06-01'"), 'DEVICE_WITHOUT_SEAT|{}', 'contract 5: and for one without');
is(answer("NULL, NULL, '2026-12-15'"), 'VALID|{EXPIRING_SOON,POOL_FULL}', 'contract 5: and warns');
is(answer("NULL, NULL, '2027-01-01'"), 'EXPIRED|{}', 'contract 5: and knows the end');
is($standby->safe_psql('postgres', "SELECT code FROM license.validate('garbage')"),
	'KEY_MALFORMED', 'contract 5: and every text');

$primary->safe_psql('postgres', "SELECT license.deny_access(1, 500, 'unpaid')");
$primary->wait_for_catchup($standby);
is(answer("NULL, NULL, '2026-06-01'"), 'ACCESS_DENIED|{}', 'O23: a denial reaches the standby');

my $unknown = '00000-00000-00000-00000-1117J';
my ($status) = $primary->psql('postgres', "SELECT license.provision(1, 10, '$unknown')");
isnt($status, 0, 'O12: an unknown key is refused');
like(slurp_file($primary->logfile), qr/LOG: .* key 00000-\.\.\. refused at site 10 of account 1: no licence has this key/,
	'O12: the attempt is in the server log');
unlike(slurp_file($primary->logfile), qr/(refused|ERROR|DETAIL).*$unknown/, 'O12: of which our messages never show all');

$standby->stop;
$primary->stop;
done_testing();
