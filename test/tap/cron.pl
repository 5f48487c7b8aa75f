# pg_cron runs the sweep that license.schedule() set up, a listening session is woken by its
# NOTIFY, and however often and late the sweep runs, every notice is raised once (O39, O41): also
# when pg_cron was down for a week.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = LicenseTest::new_node('cron');

sub query
{
	return $node->safe_psql('postgres', $_[0]);
}

sub wait_until
{
	my ($condition, $seconds) = @_;

	while ($seconds-- > 0)
	{
		return 1 if $condition->();
		sleep 1;
	}
	return 0;
}

# Eight days ago the sweep ran for the last time, then the server was down.
query(<<'SQL');
INSERT INTO license.account (account_id, name, email) VALUES (1, 'A', 'office@a.example'), (2, 'B', 'office@b.example');
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at) VALUES
    (2, 21, '9137958', 'in_use', now() - interval '1 year', now() + interval '10 days'),
    (2, 22, '9137958', 'in_use', now() - interval '1 year', now() + interval '12 hours'),
    (2, 23, '9137958', 'in_use', now() - interval '1 year', now() - interval '3 days');
SELECT license.sweep(now() - interval '8 days');
SQL
is(query(q{SELECT string_agg(license_id || ':' || stage || left(state, 2), ' ' ORDER BY license_id, stage) FROM license.notice}),
	'21:1se 22:1sk 22:2se 23:1sk 23:2sk 23:3se', 'O37: what was due before pg_cron went down is there');

my ($status, $stdout, $stderr) = $node->psql('postgres', 'SELECT license.schedule()');
like($stderr, qr/pg_cron is not installed.*CREATE EXTENSION pg_cron/s, 'schedule says what is missing');
query('CREATE EXTENSION pg_cron');
my $job = query(q{SELECT license.schedule('0 0 1 1 *')});
$node->restart;
is(query('SELECT jobid FROM cron.job'), $job, 'the job outlives a restart');

query(<<'SQL');
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at)
    VALUES (1, 11, '9137958', 'in_use', now() - interval '1 year', now() - interval '1 hour');
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at)
    SELECT 1, 1000 + n, '9137958', 'in_use', now() - interval '1 year', now() + interval '5 days' FROM generate_series(1, 2500) n;
SQL

# A session that listens, and is asked now and then what has come
my ($in, $out, $err) = ('', '', '');
my $listener = IPC::Run::start(
	[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
	'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timer(240));

sub ask_listener
{
	$in .= "SELECT 1;\n";
	for (1 .. 50)
	{
		$listener->pump_nb;    # takes no more than fills a pipe
		usleep(2000);
	}
	return $out =~ /Asynchronous notification "license_notice" with payload "\d+"/;
}

$in .= "LISTEN license_notice;\n";
ok(wait_until(sub { ask_listener(); $out =~ /1 row/ }, 20), 'a session listens');
is(query('SELECT license.schedule()'), $job, 'a second schedule() keeps the one job');
is(query('SELECT schedule, command FROM cron.job'), '* * * * *|CALL license.run_sweep()',
	'and changes its time');

ok(wait_until(\&ask_listener, 150), 'O40: pg_cron ran the sweep and its NOTIFY woke the listener');
$in .= "\\q\n";
$listener->finish;
my @payloads = $out =~ /Asynchronous notification "license_notice" with payload "([^"]*)/g;
is_deeply([ grep { !/^\d+$/ } @payloads ], [], 'S10: a payload is a number and tells nothing of any tenant');

ok( wait_until(
		sub { query(q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'}) eq 't' }, 20),
	'the job succeeded');
is(query('SELECT status, reason FROM license.license WHERE license_id = 11'),
	'contract_finalized|contract ended', 'O40: the contract ended');
is(query(q{SELECT string_agg(license_id || ':' || stage || left(state, 2), ' ' ORDER BY license_id, stage) FROM license.notice WHERE account_id = 2}),
	'21:1se 21:2se 22:1sk 22:2se 22:3sk 22:4se 23:1sk 23:2sk 23:3se 23:4se 23:5se 23:6se',
	'O39, O41: after the week pg_cron was down none is missing and none doubled');
is(query(q{SELECT stage, state, count(*) FROM license.notice WHERE license_id > 1000 GROUP BY 1, 2 ORDER BY 1}),
	"1|skipped|2500\n2|skipped|2500\n3|sent|2500", 'O41: one run takes more than one batch');
query('CALL license.run_sweep()');
is(query('SELECT count(*) FROM license.notice'), 7517, 'O39: another run raises nothing');

is(query('SELECT license.unschedule(), license.unschedule()'), 't|f', 'unschedule() takes the job away, once');
is(query('SELECT count(*) FROM cron.job'), 0, 'no job is left');

# What docs/operations.md schedules for the refusals
my ($purge) = slurp_file("$FindBin::RealBin/../../docs/operations.md") =~ /^ +(SELECT cron\.schedule\('purge denials'.*;)$/m;
query("INSERT INTO license.denial (account_id, at, code) VALUES (1, now() - interval '91 days', 'OLD'), (1, now() - interval '89 days', 'NEW')");
query($purge);
query(query("SELECT command FROM cron.job WHERE jobname = 'purge denials'"));
is(query('SELECT code FROM license.denial'), 'NEW', 'a job can purge the refusals');

# Doubled runs: three at once over the same licences
query(q{UPDATE license.license SET ends_at = now() - interval '2 days' WHERE license_id > 1000});
my @runs = map {
	IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', 'CALL license.run_sweep()' ],
		'<', \undef, '>', \my $text, '2>&1')
} 1 .. 3;
ok($_->finish, 'O39: a run at the same time as others succeeds') foreach @runs;
query('CALL license.run_sweep()');
is( query(q{SELECT stage, state, count(*) FROM license.notice n JOIN license.license l USING (license_id)
		WHERE license_id > 1000 AND term_ends_at = l.ends_at GROUP BY 1, 2 ORDER BY 1}),
	"1|skipped|2500\n2|skipped|2500\n3|skipped|2500\n4|sent|2500\n5|sent|2500\n6|sent|2500",
	'O39: together they raise every notice once');
is(query(q{SELECT count(*) FROM license.event WHERE action = 'sweep'}), 2502, 'O34: and end every contract once');

done_testing();
