# The memory of a backend stays where it is over 120000 denied calls of many kinds. P11, T31.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use Test::More;

my $calls = 15000;
my $at_once = 5000;
my $most = 100_000;    # bytes: caches still fill now and then
my $node = LicenseTest::new_node('memory');

$node->safe_psql('postgres', <<'SQL');
INSERT INTO license.account (account_id, name) VALUES (1, 'Own'), (2, 'Other');
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 1, 'House');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name, seat_limit) VALUES (1, 1, 1, 'Flat', 1);
INSERT INTO license.device (account_id, device_id, device_code) VALUES (1, 1, '001'), (1, 2, '002');
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) VALUES (1, 4, 1, 1, '004');
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    VALUES (1, 1, 'COUNT-ANNUAL', 'in_use', '1 year', '2026-01-01', '2999-01-01');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (1, 1, 'device', 1);
SELECT license.acquire_seat(1, 1, 'device', device_id => 1);
CREATE ROLE backend;
SELECT license.grant_access('backend', 'service', 1);
CREATE FUNCTION denied(statement text, code text, calls int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. calls LOOP
        BEGIN
            EXECUTE statement;
            RAISE EXCEPTION 'not denied: %', statement;
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE <> code THEN RAISE; END IF;
        END;
    END LOOP;
END $$;
CREATE FUNCTION refused(statement text, code text, calls int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    FOR i IN 1 .. calls LOOP
        EXECUTE statement INTO answer;
        IF answer <> code THEN RAISE EXCEPTION '% instead of %: %', answer, code, statement; END IF;
    END LOOP;
END $$;
SQL

my @kinds = (
	[ 'an account the role has no level in', 'denied', '42501', "SELECT license.acquire_seat(2, 1, 'device', device_id => 1)" ],
	[ 'a function the level does not allow', 'denied', '42501', "SELECT license.renew_account(1)" ],
	[ 'a full pool', 'refused', 'NO_SEATS_AVAILABLE', "SELECT code FROM license.acquire_seat(1, 1, 'device', device_id => 2)" ],
	[ 'a malformed key', 'refused', 'KEY_MALFORMED', "SELECT code FROM license.validate('7XK2M-9QD4T')" ],
	[ 'an unknown key', 'refused', 'NOT_FOUND', "SELECT code FROM license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE')" ],
	[ 'a seat that is gone', 'refused', 'NOT_FOUND', 'SELECT code FROM license.heartbeat(1, 99)' ],
	[ 'a row over the limit', 'denied', 'LX001', 'INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code) VALUES (1, 3, 1, 1, $$003$$)' ],
	[ 'an illegal change of status', 'denied', 'LX003', "UPDATE license.license SET status = 'pending_start' WHERE account_id = 1" ]);

# All kinds in one session; after each: used bytes of all memory contexts, and the private memory of the process
my $session = "SELECT 'process', pg_backend_pid(), '';\n";
my $look = "SELECT 'memory', sum(used_bytes), trim(substring(pg_read_file('/proc/' || pg_backend_pid() || '/status', 0, 10000, true) FROM 'RssAnon:([ 0-9]*)')) FROM pg_backend_memory_contexts;\n";

sub call_all
{
	my ($kind, $count) = @_;
	my ($name, $how, $code, $statement) = @$kind;
	my $role = $statement =~ /^(INSERT|UPDATE)/ ? '' : "SET ROLE backend;\n";

	return $role . join('', map { "SELECT FROM $how(\$s\$$statement\$s\$, '$code', " . ($count < $at_once ? $count : $at_once) . ");\n" }
		1 .. ($count < $at_once ? 1 : $count / $at_once)) . "RESET ROLE;\n";
}
$session .= call_all($_, 500) foreach @kinds;
$session .= $look x 3;
$session .= call_all($_, $calls) . $look foreach @kinds;

my ($status, $out, $err) = $node->psql('postgres', $session, on_error_stop => 1);
is("$status$err", '0', $calls * @kinds . ' calls were denied') or BAIL_OUT('no use in measuring');
my @memory = map { [ (split /\|/)[ 1, 2 ] ] } grep { /^memory/ } split /\n/, $out;
splice @memory, 0, 2;
for my $i (0 .. $#kinds)
{
	cmp_ok($memory[ $i + 1 ][0] - $memory[$i][0], '<', $most, "$calls times: $kinds[$i][0]");
}
note(join ' ', map { "$_->[0] bytes, $_->[1] kB;" } @memory);
SKIP:
{
	skip 'no /proc', 1 if !$memory[0][1];
	cmp_ok($memory[-1][1] - $memory[0][1], '<', 4096, 'kB: the process did not grow');
}

$node->stop;
done_testing();
