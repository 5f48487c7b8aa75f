# The sweep is away for a week and for a month, the clock is set back, several sweepers with different
# clocks work at once, listeners come and go, consumers get lost: every notice is raised and handed
# out once, and none is missing. O37-O43.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('notices');

sub query
{
	return $node->safe_psql('postgres', shift);
}

# How many notices a session was told of, and by how many notifications; 'more' when one says anything but a number
sub told
{
	my @payloads = map { /Asynchronous notification "license_notice" with payload "(.*)" received/g } @_;
	my $sum = 0;

	$sum += $_ foreach grep { /^\d+$/ } @payloads;
	return join '|', $sum, scalar @payloads, (grep { !/^\d+$/ } @payloads) ? 'more' : ();
}

query(<<'SQL');
INSERT INTO license.account (account_id, name, email, time_zone) VALUES
    (1, 'Prague', 'office@prague.example', 'Europe/Prague'),
    (2, 'New York', 'office@newyork.example', 'America/New_York'),
    (3, 'Renewing', 'office@renewing.example', 'UTC');
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    SELECT 1 + n % 2, 1000 + n, '9137958', 'in_use', '1 year', '2025-06-01', '2026-10-04'::timestamptz + n * interval '3 hours 17 minutes'
    FROM generate_series(1, 400) n;
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    SELECT 3, 3000 + n, '9137958', 'in_use', '1 year', '2025-06-01', '2026-10-10'::timestamptz + n * interval '3 hours 17 minutes'
    FROM generate_series(1, 30) n;

-- When the sweep ran, in this order, and what it answered
CREATE TABLE visit (n serial, at timestamptz, finalized int, notices int, skipped int);
CREATE TABLE delivered (account_id bigint, notice_id bigint, consumer int);
CREATE FUNCTION visit(at timestamptz) RETURNS void LANGUAGE sql AS
    $$INSERT INTO visit (at, finalized, notices, skipped) SELECT $1, s.finalized, s.notices, s.skipped FROM license.sweep($1) s$$;
CREATE FUNCTION consume(most int, consumer int DEFAULT 0) RETURNS int LANGUAGE sql AS $$
    WITH claimed AS MATERIALIZED (SELECT account_id, notice_id FROM license.claim_notices(most)),
    kept AS (INSERT INTO delivered SELECT account_id, notice_id, consumer FROM claimed RETURNING account_id, notice_id)
    SELECT license.acknowledge_notices(coalesce(array_agg(account_id), '{}'), coalesce(array_agg(notice_id), '{}')) FROM kept$$;
SQL

# One session sweeps, listens and consumes; it is away now and then.
my @steps = ('LISTEN license_notice;');

sub sweeps
{
	my ($from, $to, $step) = @_;

	push @steps, map { "SELECT visit('$_');" } split /\n/,
	  query("SELECT * FROM generate_series('$from'::timestamptz, '$to', '$step')");
}

sub consume
{
	push @steps, 'SELECT consume(10000);';
}

sweeps('2026-10-01', '2026-10-08', '1 hour');
consume();
# Nobody sweeps, listens or consumes for eight days, and contracts are renewed meanwhile.
push @steps, 'UNLISTEN *;',
  "SELECT license.renew(account_id, license_id, at => '2026-10-09') FROM license.license WHERE account_id = 3;";
sweeps('2026-10-16', '2026-10-16', '1 hour');
push @steps, 'LISTEN license_notice;';
sweeps('2026-10-16 01:00', '2026-10-18', '1 hour');
# The clock is set back an hour, and a day.
sweeps('2026-10-17 23:00', '2026-10-18 01:00', '10 minutes');
sweeps('2026-10-17 01:00', '2026-10-18 02:00', '1 hour');
consume();
push @steps, 'UNLISTEN *;';
sweeps('2026-10-18 03:00', '2026-10-26 12:00', '1 hour');
# A month away
push @steps, 'LISTEN license_notice;';
sweeps('2026-11-25', '2026-11-29', '1 hour');
sweeps('2027-02-01', '2027-02-01', '1 hour');
sweeps('2027-09-01', '2027-12-01', '1 day');
consume();

my $script = $node->basedir . '/visits.sql';
append_to_file($script, join("\n", @steps) . "\n");
my ($heard, $errors) = ('', '');
IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'), '-f', $script ], '<', \undef, '>', \$heard, '2>', \$errors);
is($errors, '', 'sweeps early, late and twice run without an error');

# What the rules say: the first visit at or after the moment raises; of what one visit finds of stages 1 to
# 4 only the latest is sent; a renewed term is visited until its renewal, the new one from there on.
query(<<'SQL');
CREATE TABLE expected AS
WITH renewal AS MATERIALIZED (SELECT max(n) AS n FROM visit WHERE at <= '2026-10-08'),
term AS (
    SELECT account_id, license_id, ends_at, CASE account_id WHEN 3 THEN renewal.n ELSE 0 END AS after, 1000000 AS until
    FROM license.license, renewal WHERE account_id < 4
    UNION ALL
    SELECT account_id, license_id, (ends_at AT TIME ZONE 'UTC' - interval '1 year') AT TIME ZONE 'UTC', 0, renewal.n
    FROM license.license, renewal WHERE account_id = 3),
due AS MATERIALIZED (
    SELECT t.*, s.stage, s.lead, (t.ends_at AT TIME ZONE a.time_zone - s.lead) AT TIME ZONE a.time_zone AS due_at
    FROM term t JOIN license.account a USING (account_id) CROSS JOIN license.notice_stage s),
seen AS MATERIALIZED (
    SELECT d.*, (SELECT min(v.n) FROM visit v WHERE v.n > d.after AND v.n <= d.until AND v.at >= d.due_at) AS n FROM due d)
SELECT s.account_id, s.license_id, s.ends_at, s.stage, s.due_at, v.at AS seen_at,
    CASE WHEN s.lead <= '0' OR s.due_at = max(s.due_at) OVER (PARTITION BY s.account_id, s.license_id, s.ends_at, s.n, s.lead > '0')
        THEN 'sent' ELSE 'skipped' END AS state
FROM seen s JOIN visit v USING (n);
CREATE VIEW raised AS
SELECT account_id, license_id, term_ends_at, stage, due_at, CASE state WHEN 'acknowledged' THEN 'sent' ELSE state END AS state
FROM license.notice WHERE account_id < 4;
SQL
is(query('SELECT count(*) FROM raised'), query('SELECT count(*) FROM expected'), 'O39: as many notices as the rules say');
is(query('SELECT account_id, license_id, ends_at, stage, due_at, state FROM expected EXCEPT ALL TABLE raised ORDER BY 1, 2, 3, 4 LIMIT 5'),
	'', 'O37, O38, O41: none is missing after a week and a month without a sweep');
is(query('TABLE raised EXCEPT ALL SELECT account_id, license_id, ends_at, stage, due_at, state FROM expected ORDER BY 1, 2, 3, 4 LIMIT 5'),
	'', 'O39, O42: none is doubled by a clock set back, or of a term that was renewed');
is(query(q{SELECT count(*) FROM license.notice n JOIN expected e ON (e.account_id, e.license_id, e.ends_at, e.stage) =
		(n.account_id, n.license_id, n.term_ends_at, n.stage) WHERE n.sent_at <> e.seen_at}),
	'0', 'O39: each is sent by the first sweep from its moment on');
is(query(q{SELECT bool_and(count > 20) FROM (SELECT count(*) FROM expected WHERE account_id < 3 GROUP BY stage, state) s}),
	't', 'every stage was sent, and skipped where that is possible, often');
is(query('SELECT sum(notices), sum(skipped), sum(finalized) FROM visit'),
	query(q{SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'skipped'), count(*) FILTER (WHERE stage = 5) FROM expected}),
	'what the sweeps answered adds up');
is(query(q{SELECT count(*), count(DISTINCT subject_id) FROM license.event WHERE action = 'sweep' AND new ->> 'status' = 'contract_finalized'}),
	'430|430', 'O40, O34: every contract ended once');
is(told($heard),
	query("SELECT sum(notices), count(*) FROM visit WHERE notices > 0 AND at NOT BETWEEN '2026-10-18 03:00' AND '2026-10-26 12:00' AND at <> '2026-10-16'"),
	'S10, O39: a listener gets one notification a committed sweep, with the number of notices it raised and nothing else');
is(query('SELECT count(*), count(DISTINCT notice_id) FROM delivered'),
	query(q{SELECT count(*), count(*) FROM license.notice WHERE state = 'acknowledged'}),
	'O39: each was handed out once, also what nobody listened to');
is(query(q{SELECT count(*) FROM license.notice WHERE state = 'sent'}), '0', 'O39: none is left');

# Four sweepers at once, two of them an hour behind, while a session listens
sub pgbench
{
	my ($level, $name, @arguments) = @_;

	$node->command_ok(
		[
			'env', 'PGOPTIONS=-c license_ext.claim_timeout=1s -c default_transaction_isolation=' . ($level =~ s/ /\\ /gr),
			'pgbench', '-n', '-c', 4, '-j', 2, '--max-tries=10000', @arguments, 'postgres'
		],
		$name);
}

my %scripts = (
	sweeper => <<'SQL',
SELECT set_config('license_ext.actor', 'sweeper' || :client_id, false);
INSERT INTO visit (finalized, notices, skipped) SELECT finalized, notices, skipped FROM license.sweep('2026-12-10 12:00'::timestamptz - :client_id % 2 * interval '1 hour', 10);
SQL
	consumer => "SELECT consume(7, :client_id);\n",
	lost => "SELECT count(*) FROM license.claim_notices(5);\n");
append_to_file($node->basedir . "/$_.sql", $scripts{$_}) foreach keys %scripts;

my $account = 10;
foreach my $level ('read committed', 'repeatable read', 'serializable')
{
	$account++;
	query("TRUNCATE visit, delivered");
	query(<<"SQL");
INSERT INTO license.account (account_id, name, email) VALUES ($account, 'Race', 'office\@race$account.example');
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at)
    SELECT $account, $account * 10000 + n, '9137958', 'in_use', '1 year', '2025-06-01', '2026-12-08'::timestamptz + n * interval '6 minutes'
    FROM generate_series(1, 400) n;
SQL
	my ($in, $out) = ("LISTEN license_notice;\n\\echo listening\n", '');
	my $listener = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(180));

	$listener->pump until $out =~ /listening/;
	pgbench($level, "O39: four sweepers at $level", '-t', 20, '-f', $node->basedir . '/sweeper.sql');
	1 while query("SELECT notices + skipped + finalized > 0 FROM license.sweep('2026-12-10 12:00')") eq 't';
	$in .= "SELECT 1;\n\\q\n";
	$listener->finish;

	my $due = "(SELECT license_id, stage, ends_at - lead AS due_at FROM license.license, license.notice_stage
		WHERE account_id = $account AND ends_at - lead <= '2026-12-10 12:00') d";
	is(query("SELECT count(*) FROM license.notice WHERE account_id = $account"), query("SELECT count(*) FROM $due"),
		"O39: together they raise no notice twice at $level");
	is(query("SELECT count(*) FROM $due WHERE NOT EXISTS (SELECT FROM license.notice n
		WHERE n.account_id = $account AND n.license_id = d.license_id AND n.stage = d.stage AND n.due_at = d.due_at)"),
		'0', "O39: and forget none at $level");
	is(query("SELECT count(*) FROM (SELECT DISTINCT ON (license_id) * FROM $due WHERE stage < 5 ORDER BY license_id, stage DESC) d
		JOIN license.notice n USING (license_id, stage) WHERE n.state <> 'sent'"),
		'0', "O41: the latest of the first four is sent at $level");
	is(query("SELECT count(*) FROM license.notice WHERE account_id = $account AND stage > 4 AND state <> 'sent'"),
		'0', "O41: and the last two always at $level");
	is(query("SELECT count(*), count(DISTINCT subject_id), count(DISTINCT actor) > 1 FROM license.event WHERE account_id = $account AND action = 'sweep'"),
		query("SELECT count(*), count(*), true FROM license.license WHERE account_id = $account AND status = 'contract_finalized'"),
		"O34, O40: several sweepers end every contract once at $level");
	is((split /\|/, told($out))[0], query("SELECT count(*) FROM license.notice WHERE account_id = $account AND state = 'sent'"),
		"S10, O39: a listener is told the number of notices raised by all sweepers at $level");
	unlike(told($out), qr/more/, "S10: and nothing else at $level");

	pgbench($level, "O39: four consumers, of which some get lost, at $level", '-t', 60,
		'-f', $node->basedir . '/consumer.sql@9', '-f', $node->basedir . '/lost.sql@1');
	cmp_ok(query("SELECT count(*) FROM license.notice WHERE account_id = $account AND state = 'sent'"), '>', 0, "some were claimed and not acknowledged at $level");
	query("SELECT pg_sleep(1.1)");
	1 while query('SELECT consume(1000)') > 0;
	is(query('SELECT count(*), count(DISTINCT notice_id) FROM delivered'),
		query("SELECT count(*), count(*) FROM license.notice WHERE account_id = $account AND state = 'acknowledged'"),
		"O39: each is handed out once at $level");
	is(query("SELECT count(*) FROM license.notice WHERE account_id = $account AND state = 'sent'"), '0', "O39: those of lost consumers come back at $level");
}

$node->stop;
done_testing();
