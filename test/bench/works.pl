# What bench.pl measures: one entry a row of the table.
use strict;
use warnings;

our ($dir, %o);

sub setup
{
	my ($o) = @_;
	my $file = "$FindBin::RealBin/setup.sql";

	print "setting up $o->{apartments} apartments and $o->{licenses} licences\n";
	system("psql -X -q -v ON_ERROR_STOP=1 -v apartments=$o->{apartments} -v licenses=$o->{licenses} -f $file >/dev/null") == 0
	  or die "set-up failed";
}

# One table's devices back to none, its apartments vacuumed
sub reset_devices
{
	my ($schema) = @_;

	sql("DELETE FROM $schema.device WHERE device_id < 100000000;");
	sql("VACUUM $schema.device; VACUUM $schema.apartment; ALTER SEQUENCE turn RESTART;");
}

sub assign
{
	my ($o, $schema) = @_;

	return sub {
		reset_devices($schema);
		return rate_of(<<"PGB", clients => 4);
WITH t AS MATERIALIZED (SELECT nextval('turn') AS n)
INSERT INTO $schema.device (account_id, device_id, site_id, apartment_id, device_code)
SELECT 1, n, 1 + (n % $o->{apartments}) / 40, 1 + n % $o->{apartments}, n::text FROM t;
PGB
	};
}

sub copy_devices
{
	my ($o, $schema) = @_;
	my $count = 5 * $o->{apartments};

	return sub {
		my $file = "$dir/devices.csv";

		reset_devices($schema);
		sql("COPY (SELECT 1, i, 1 + ((i - 1) % $o->{apartments}) / 40, 1 + (i - 1) % $o->{apartments}, i::text
			FROM generate_series(1, $count) i) TO '$file';") unless -e $file;
		return seconds_of("\\timing off\nSET enable_seqscan = off;\n\\timing on\nCOPY $schema.device (account_id, device_id, site_id, apartment_id, device_code) FROM '$file';");
	};
}

sub rename_devices
{
	my ($schema, $count) = @_;

	return sub {
		return rate_of("\\set d random(1, $count)\nUPDATE $schema.device SET priority = priority + 1 WHERE account_id = 1 AND device_id = :d;\n");
	};
}

# 64 clients take the 10000 seats of one pool; nobody may get more.
sub acquire
{
	my ($schema, $statement, %with) = @_;

	return sub {
		sql("DELETE FROM $schema.seat;" . ($schema eq 'twin' ? 'UPDATE twin.license_pool SET in_use = 0;' : ''));
		sql("VACUUM $schema.seat; VACUUM $schema.license_pool; ALTER SEQUENCE turn RESTART;");
		my $rate = rate_of("$statement\n", clients => 64, transactions => 170, %with);
		my $taken = sql("SELECT count(*) FROM $schema.seat;");

		die "$taken seats of 10000 were taken in $schema" if $taken != 10000;
		return $rate;
	};
}

my $device = "(SELECT 100000000 + nextval('turn'))";
my $ours_acquire = "SELECT * FROM license.acquire_seat(1, 1, 'device', device_id => $device);";

# A prepared statement, run by a role
sub question
{
	my ($statement, %with) = @_;

	return sub { return rate_of("\\set n random(1, 10000)\n$statement\n", %with) };
}

my $validate = 'SELECT * FROM license.validate((SELECT key FROM some_key WHERE n = :n));';

# 10000 licences become due for their first notice; what is written is taken back.
sub sweep
{
	my ($statements) = @_;

	return sub {
		sql('VACUUM license.license; VACUUM license.notice;');
		return seconds_of("\\timing off\nBEGIN;\n$statements\n\\timing off\nROLLBACK;");
	};
}

my $floor_sweep = <<'SQL';
ALTER TABLE license.license DISABLE TRIGGER USER;
ALTER TABLE license.notice DISABLE TRIGGER USER;
\timing on
WITH due AS (
    SELECT l.account_id, l.license_id, l.site_id, l.sku, l.ends_at, l.auto_renew, a.email
    FROM license.license l JOIN license.account a USING (account_id) WHERE l.sweep_at <= now()
), told AS (
    INSERT INTO license.notice (account_id, kind, license_id, site_id, term_ends_at, stage, due_at, state, recipient, payload, sent_at)
    SELECT account_id, 'expiry', license_id, site_id, ends_at, 1, ends_at - interval '1 month', 'sent', email,
        jsonb_build_object('sku', sku, 'stage', 1, 'title', 'Licence ends in one month', 'ends_at', ends_at, 'auto_renew', auto_renew), now()
    FROM due RETURNING notice_id, account_id, license_id, term_ends_at
), moved AS (
    UPDATE license.license l SET sweep_at = l.ends_at - interval '15 days' FROM due WHERE l.account_id = due.account_id
        AND l.license_id = due.license_id
)
SELECT count(pg_notify('license_notice', json_build_object('notice_id', notice_id, 'account_id', account_id,
    'license_id', license_id, 'stage', 1, 'ends_at', term_ends_at)::text)) FROM told;
SQL

# Resident memory of one backend after 10000 and after a million calls
sub memory
{
	my ($name, $statement) = @_;
	my $rss = "SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+)');\n";
	my $calls = "SELECT \$\$SELECT count(r) FROM (SELECT $statement AS r FROM generate_series(1, 1000) n) s\$\$ FROM generate_series(1, %d)\n\\gexec\n";
	my @seen;

	return if $o{only} && "memory $name" !~ /$o{only}/;
	@seen = grep { !/^1000$/ } split /\n/, sql(sprintf($calls, 10) . $rss . sprintf($calls, 990) . $rss);
	report("memory $name", 'kB', [ [ 'before', '<=', 1.05 ] ], 'one backend, after 10 thousand and after a million calls',
		{ before => $seen[0], ours => $seen[1] }, 'before', 'ours');
}

sub seats
{
	my ($o) = @_;

	compare('acquire_seat, one hot pool', 'tps', [ [ 'floor', '>=', 0.8 ], [ 'twin', '>=', 1.0 ] ],
		'64 clients, 10000 seats and 10880 requests; floor: conditional counter update plus insert in one statement; twin: the same in plpgsql',
		ours => acquire('license', $ours_acquire),
		twin => acquire('twin', "SELECT twin.acquire(1, 1, 'device', $device);"),
		floor => acquire('twin', "WITH s AS (UPDATE twin.license_pool SET in_use = in_use + 1 WHERE account_id = 1
			AND license_id = 1 AND pool = 'device' AND in_use < maximum RETURNING 1)
			INSERT INTO twin.seat (account_id, license_id, pool, device_id) SELECT 1, 1, 'device', $device FROM s;" =~ s/\s+/ /gr));
	compare('acquire_seat as service', 'tps', [ [ 'owner', '>=', 0.9 ] ],
		'the same as a role with level service',
		ours => acquire('license', $ours_acquire, role => 'bench_service'), owner => acquire('license', $ours_acquire));
	sql("DELETE FROM license.seat; INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id, expires_at)
		SELECT 1, 200000000 + i, 1, 'device', 100000000 + i, now() + interval '1 day' FROM generate_series(1, 10000) i;
		DELETE FROM twin.seat; INSERT INTO twin.seat SELECT * FROM license.seat; VACUUM ANALYZE license.seat; VACUUM ANALYZE twin.seat;");
	compare('heartbeat', 'tps', [ [ 'floor', '>=', 0.8 ] ],
		'one of 10000 leases renewed; floor: UPDATE by primary key',
		ours => question("SELECT * FROM license.heartbeat(1, 200000000 + :n, '20 minutes');"),
		floor => question("UPDATE twin.seat SET last_seen_at = now(), expires_at = now() + interval '20 minutes' WHERE account_id = 1 AND seat_id = 200000000 + :n;"));
}

sub questions
{
	my ($o) = @_;

	compare('validate', 'tps', [ [ 'floor', '>=', 0.85 ] ],
		'a key among all licences; floor: the licence by primary key; both look the key or id up first',
		ours => question($validate),
		floor => question('SELECT * FROM license.license WHERE account_id = 1 AND license_id = (SELECT license_id FROM some_key WHERE n = :n);'));
	compare('validate as service', 'tps', [ [ 'owner', '>=', 0.9 ] ],
		'the same as a role with level service',
		ours => question($validate, role => 'bench_service'), owner => question($validate));
	compare('record_connection, started', 'tps', [ [ 'floor', '>=', 0.85 ] ],
		'a device connects under a licence that runs; floor: the licence by primary key',
		ours => question("SELECT license.record_connection(1, 2000000000, '00:00:00:00:00:01');"),
		floor => question('SELECT status FROM license.license WHERE account_id = 1 AND license_id = 2;'));
	compare('site_dashboard', 'tps', [ [ 'floor', '>=', 0.5 ] ],
		'one site; floor: one index scan over its apartments',
		ours => question('SELECT * FROM license.site_dashboard WHERE account_id = 1 AND site_id = 1 + :n % ' . int($o->{apartments} / 40) . ';'),
		floor => question('SELECT count(*), count(*) FILTER (WHERE seats_used > 0) FROM license.apartment WHERE account_id = 1 AND site_id = 1 + :n % ' . int($o->{apartments} / 40) . ';'));
	compare('key text to value to text', 's', [ [ 'uuid', '<=', 1.0 ] ], '500000 round trips',
		ours => sub { seconds_of('SELECT count((key::license.license_key)::text) FROM some_key, generate_series(1, 50);') },
		uuid => sub { seconds_of('SELECT count((id::uuid)::text) FROM some_key, generate_series(1, 50);') });
}

sub memories
{
	memory('validate', "license.validate((SELECT key FROM some_key WHERE n = 1))");
	memory('record_connection', "license.record_connection(1, 2000000000, ''00:00:00:00:00:01'')" =~ s/''/'/gr);
	memory('heartbeat', "license.heartbeat(1, 200000000 + n, interval '1 hour')");
	memory('acquire_seat', "license.acquire_seat(1, 1, 'device', device_id => 100000000 + n)");
	memory('refused acquire_seat', "license.acquire_seat(1, 999, 'device', device_id => 100000000 + n)");
	memory('is_valid_key', "license.is_valid_key(n::text)");
}

sub works
{
	my ($o) = @_;

	compare('assign one device', 'tps', [ [ 'floor', '>=', 0.8 ], [ 'twin', '>=', 1.15 ] ],
		'prepared INSERT of one phone, 4 clients, apartments in turn',
		ours => assign($o, 'license'), twin => assign($o, 'twin'), floor => assign($o, 'floor'));
	compare('COPY 5 devices an apartment', 's', [ [ 'floor', '<=', 1.2 ], [ 'twin', '<=', 0.5 ] ],
		'one COPY into all apartments, foreign keys checked by all three',
		ours => copy_devices($o, 'license'), twin => copy_devices($o, 'twin'), floor => copy_devices($o, 'floor'));
	compare('UPDATE no rule looks at', 'tps', [ [ 'floor', '>=', 0.95 ] ],
		'prepared UPDATE of the priority of one device',
		ours => rename_devices('license', $o->{apartments}), floor => rename_devices('floor', $o->{apartments}));
	seats($o);
	questions($o);
	sql("UPDATE license.license SET ends_at = now() + interval '20 days' WHERE account_id = 1 AND license_id > 10000000 AND license_id <= 10010000;
		ANALYZE license.license;");
	compare('sweep of 10000 due', 's', [ [ 'floor', '<=', 1.5 ] ],
		"among $o->{licenses} licences; floor: set-based SQL that writes the same rows and notifies",
		ours => sweep("\\timing on\nSELECT * FROM license.sweep(now(), 20000);"), floor => sweep($floor_sweep));
	memories();
}

1;
