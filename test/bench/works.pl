# What bench.pl compares: one entry a row of the table. `why` says what the row is; `rest` says what the
# remaining time is spent on, and is printed where a goal is missed.
use strict;
use warnings;
use Bench;

my $dir = $ENV{TMPDIR} // '/tmp';

# The sweep is also measured among few licences: that database is a copy, made before the others are added.
sub set_up_works
{
	set_up_database('bench', option('apartments'), option('few'));
	drop_database('bench_few');
	sql('CREATE DATABASE bench_few TEMPLATE bench;', database => 'postgres');
	say_now('adding licences up to ' . option('licenses') . ', twin and floor');
	grow_licenses('bench', option('few'), option('licenses'));
	run_script("$FindBin::RealBin/others.sql", database => 'bench');
}

sub drop_works
{
	drop_database($_) foreach 'bench', 'bench_few';
}

# The pool of licence 3 is full, that of licence 1 empty or, leased, full
sub reset_seats
{
	my ($schema, %with) = @_;

	sql("TRUNCATE $schema.seat;");
	sql("UPDATE $schema.license_pool SET in_use = CASE license_id WHEN 3 THEN 10000 ELSE 0 END WHERE license_id IN (1, 3);")
	  if $schema ne 'license';
	sql("INSERT INTO $schema.seat (account_id, seat_id, license_id, pool, device_id)
		SELECT 1, 100000000 + i, 3, 'device', 100000000 + i FROM generate_series(1, 10000) i;");
	sql("INSERT INTO $schema.seat (account_id, seat_id, license_id, pool, device_id, lease, expires_at)
		SELECT 1, 200000000 + i, 1, 'device', 100000000 + i, '1 day', now() + interval '1 day' FROM generate_series(1, 10000) i;")
	  if $with{leased};
	sql("VACUUM ANALYZE $schema.seat; VACUUM $schema.license_pool; ALTER SEQUENCE turn RESTART;");
}

# One schema's devices back to the 20000 without an apartment
sub reset_devices
{
	my ($schema) = @_;

	sql("TRUNCATE $schema.device CASCADE;
		INSERT INTO $schema.device (account_id, device_id, device_code)
		SELECT 1, 100000000 + i, 'p' || i FROM generate_series(1, 20000) i;");
	sql("VACUUM ANALYZE $schema.device; VACUUM $schema.apartment;");
	reset_seats($schema) unless $schema eq 'bare';
}

sub assign
{
	my ($schema) = @_;
	my $apartments = option('apartments');

	return sub {
		reset_devices($schema);
		return rate_of(<<"PGB");
WITH t AS MATERIALIZED (SELECT nextval('turn') AS n)
INSERT INTO $schema.device (account_id, device_id, site_id, apartment_id, device_code)
SELECT 1, n, 1 + (n % $apartments) / 40, 1 + n % $apartments, n::text FROM t;
PGB
	};
}

sub copy_statement
{
	my ($schema) = @_;
	my $file = "$dir/devices.csv";
	my $apartments = option('apartments');

	sql("COPY (SELECT 1, i, 1 + ((i - 1) % $apartments) / 40, 1 + (i - 1) % $apartments, i::text
		FROM generate_series(1, 5 * $apartments) i) TO '$file';") unless -e $file;
	return "COPY $schema.device (account_id, device_id, site_id, apartment_id, device_code) FROM '$file';";
}

# Sequential scans are off because the foreign keys' plans are made while the table is small.
sub copy_devices
{
	my ($schema) = @_;

	return sub {
		reset_devices($schema);
		return seconds_of("\\timing off\nSET enable_seqscan = off;\n\\timing on\n" . copy_statement($schema));
	};
}

# The same with a table of the user's own: one foreign key, counted by license.attach_seat_limit()
sub copy_guests
{
	my ($schema) = @_;
	my $file = "$dir/guests.csv";
	my $rooms = option('apartments');

	return sub {
		sql("COPY (SELECT i, 1 + (i - 1) % $rooms, 'guest ' || i FROM generate_series(1, 5 * $rooms) i) TO '$file';") unless -e $file;
		sql("TRUNCATE $schema.guest;");
		sql("INSERT INTO $schema.guest SELECT -i, i, 'first' FROM generate_series(1, $rooms) i; VACUUM ANALYZE $schema.guest; VACUUM $schema.room;");
		return seconds_of("\\timing off\nSET enable_seqscan = off;\n\\timing on\nCOPY $schema.guest FROM '$file';");
	};
}

# Five devices in every apartment, as the COPY leaves them
sub load_devices
{
	my ($schema) = @_;

	if (sql("SELECT count(*) FROM $schema.device WHERE device_id <= 100000000;") != 5 * option('apartments'))
	{
		copy_devices($schema)->();
	}
	sql("VACUUM ANALYZE $schema.device; VACUUM ANALYZE $schema.apartment;");
}

sub touch_devices
{
	my ($schema) = @_;
	my $apartments = option('apartments');
	my $loaded;

	return sub {
		load_devices($schema) unless $loaded++;
		return rate_of("\\set d random(1, 5 * $apartments)\nUPDATE $schema.device SET last_seen_at = now() WHERE account_id = 1 AND device_id = :d;\n");
	};
}

# 64 clients take the 10000 seats of one pool; nobody may get more.
sub acquire
{
	my ($schema, $statement, %with) = @_;

	return sub {
		reset_seats($schema);
		my $rate = rate_of("$statement\n", clients => 64, transactions => 170, %with);
		my $taken = sql("SELECT count(*) FROM $schema.seat WHERE license_id = 1;");

		die "$taken seats of 10000 were taken in $schema" if $taken != 10000;
		return $rate;
	};
}

my $device = "(SELECT 100000000 + nextval('turn'))";
my $ours_acquire = "SELECT * FROM license.acquire_seat(1, 1, 'device', device_id => $device);";
my $floor_acquire = "WITH s AS (UPDATE floor.license_pool SET in_use = in_use + 1 WHERE account_id = 1
	AND license_id = 1 AND pool = 'device' AND in_use < maximum RETURNING 1)
	INSERT INTO floor.seat (account_id, license_id, pool, device_id) SELECT 1, 1, 'device', $device FROM s;" =~ s/\s+/ /gr;

# A prepared statement with one of the keys; with: role
sub question
{
	my ($statement, %with) = @_;

	return sub { return rate_of('\set n random(1, ' . option('keys') . ")\n$statement\n", %with) };
}

sub heartbeat
{
	my ($schema, $statement) = @_;
	my $leased;

	return sub {
		reset_seats($schema, leased => 1) unless $leased++;
		sql("VACUUM $schema.seat;");
		return rate_of("\\set n random(1, 10000)\n$statement\n");
	};
}

my $validate = 'SELECT * FROM license.validate((SELECT key FROM some_key WHERE n = :n));';

# 10000 licences become due for their first notice; what is written is taken back.
sub sweep
{
	my ($statements, %with) = @_;

	return sub {
		sql('VACUUM license.license; VACUUM license.notice;', %with);
		return seconds_of("\\timing off\nBEGIN;\n$statements\n\\timing off\nROLLBACK;", %with);
	};
}

my $ours_sweep = "\\timing on\nSELECT * FROM license.sweep(now(), 20000);";
my $floor_sweep = <<'SQL';
ALTER TABLE license.license DISABLE TRIGGER USER;
ALTER TABLE license.notice DISABLE TRIGGER USER;
\timing on
WITH due AS (
    SELECT l.account_id, l.license_id, l.site_id, l.sku, l.ends_at, l.auto_renew, a.email, s.name
    FROM license.license l JOIN license.account a USING (account_id)
    LEFT JOIN license.site s ON s.account_id = l.account_id AND s.site_id = l.site_id WHERE l.sweep_at <= now()
), told AS (
    INSERT INTO license.notice (account_id, license_id, site_id, term_ends_at, stage, due_at, state, recipient, payload, sent_at)
    SELECT account_id, license_id, site_id, ends_at, 1, ends_at - interval '1 month', 'sent', email,
        jsonb_build_object('account_id', account_id, 'license_id', license_id, 'stage', 1, 'ends_at', ends_at,
            'auto_renew', auto_renew, 'title', 'Licence ends in one month', 'sku', sku, 'site', name), now()
    FROM due RETURNING notice_id, account_id, license_id, stage, term_ends_at, payload
), moved AS (
    UPDATE license.license l SET sweep_at = l.ends_at - interval '15 days' FROM due WHERE l.account_id = due.account_id
        AND l.license_id = due.license_id
)
SELECT pg_notify('license_notice', count(*)::text) FROM told;
SQL

# What a sweep has written, without the ids it drew
my $swept = <<'SQL';
\timing off
SELECT 'swept ' || md5(string_agg(row (to_jsonb(n) - '{notice_id,sent_at}'::text[], l.sweep_at, n.sent_at = now())::text, ';'
    ORDER BY n.license_id)) FROM license.notice n JOIN license.license l USING (account_id, license_id);
SQL

sub check_sweeps
{
	my @seen = map { sql("BEGIN;\n$_\n$swept\nROLLBACK;") =~ /(swept \w+)/ } $ours_sweep, $floor_sweep;

	die 'the floor of the sweep does not write the same rows' if @seen != 2 || $seen[0] ne $seen[1];
}

sub devices
{
	compare(name => 'assign one device', unit => 'tps', goals => [ [ 'floor', '>=', 0.8 ], [ 'twin', '>=', 1.15 ], ['bare'] ],
		why => 'prepared INSERT of one phone, 4 clients, apartments in turn; bare: our table without its triggers',
		rest => 'of its 359 thousand instructions 19 % are foreign keys and 19 % read the expressions of checks and generated columns; 13 % are index entries, 8 % write the count, 4 % prune the version of the apartment that the call before has replaced, 1 % sees whether the device needs a number or a place',
		run => [ ours => assign('license'), twin => assign('twin'), floor => assign('floor'), bare => assign('bare') ]);
	compare(name => 'COPY 5 devices an apartment', unit => 's', goals => [ [ 'floor', '<=', 1.2 ], [ 'twin', '<=', 0.5 ], ['bare'] ],
		why => 'one COPY into all apartments; all refer to account, site, apartment and user; bare: our table without its triggers',
		rest => 'not analysed since the device refers to account and site by plain foreign keys, as the floor and the twin do',
		run => [ ours => copy_devices('license'), twin => copy_devices('twin'), floor => copy_devices('floor'), bare => copy_devices('bare') ]);
	compare(name => 'COPY, one counted foreign key', unit => 's', goals => [ [ 'floor', '<=', 1.2 ], [ 'twin', '<=', 0.5 ] ],
		why => 'COPY of 5 guests a room, two tables of the user with one foreign key and a seat limit',
		rest => 'of its time (EXPLAIN ANALYZE, 4.4 s) 53 % is the foreign key, 37 % rows and index entries, 5 % noting who came, 4 % writing the count of 100000 rooms; that is 1.15 of the floor, and single rounds lie far apart',
		run => [ ours => copy_guests('counted'), twin => copy_guests('twin'), floor => copy_guests('floor') ]);
	compare(name => 'UPDATE no rule looks at', unit => 'tps', goals => [ [ 'bare', '>=', 0.95 ] ],
		why => 'prepared UPDATE of last_seen_at of one device, which the history leaves out; bare: our table without its triggers',
		run => [ ours => touch_devices('license'), bare => touch_devices('bare') ]);
}

sub seats
{
	compare(name => 'acquire_seat, one hot pool', unit => 'tps', goals => [ [ 'floor', '>=', 0.8 ], [ 'twin', '>=', 1.0 ] ],
		why => '64 clients, 10000 seats, 10880 requests; floor: conditional counter update plus insert in one statement; twin: the same in plpgsql',
		rest => 'of the CPU of a call 45 % inserts the seat (indexes, foreign keys, count), as the floor does; beyond it 12 % reads licence, holder and the seat it may have, 3 % locks the pool before that',
		run => [ ours => acquire('license', $ours_acquire), twin => acquire('twin', "SELECT twin.acquire(1, 1, 'device', $device);"),
			floor => acquire('floor', $floor_acquire) ]);
	compare(name => 'acquire_seat as service', unit => 'tps', goals => [ [ 'owner', '>=', 0.9 ] ],
		why => 'the same as a role with level service, and as the owner',
		run => [ ours => acquire('license', $ours_acquire, role => 'bench_service'), owner => acquire('license', $ours_acquire) ]);
	compare(name => 'heartbeat', unit => 'tps', goals => [ [ 'floor', '>=', 0.8 ] ],
		why => 'one of 10000 leases renewed; floor: UPDATE by primary key',
		run => [ ours => heartbeat('license', "SELECT * FROM license.heartbeat(1, 200000000 + :n, '1 day');"),
			floor => heartbeat('floor', "UPDATE floor.seat SET last_seen_at = now(), lease = '1 day', expires_at = now() + interval '1 day' WHERE account_id = 1 AND seat_id = 200000000 + :n;") ]);
}

sub licenses
{
	compare(name => 'validate', unit => 'tps', goals => [ [ 'floor', '>=', 0.85 ] ],
		why => 'a key among all licences; floor: the licence by primary key; both look the key or id up first',
		rest => 'its instructions are those of the floor (114 thousand a call to 115): the difference is the noise of the machine',
		run => [ ours => question($validate),
			floor => question('SELECT * FROM license.license WHERE account_id = 1 AND license_id = (SELECT license_id FROM some_key WHERE n = :n);') ]);
	compare(name => 'validate as service', unit => 'tps', goals => [ [ 'owner', '>=', 0.9 ] ],
		why => 'the same as a role with level service, and as the owner',
		run => [ ours => question($validate, role => 'bench_service'), owner => question($validate) ]);
	compare(name => 'record_connection, started', unit => 'tps', goals => [ [ 'floor', '>=', 0.85 ] ],
		why => 'a device connects under a licence that runs; floor: the licence by primary key',
		rest => 'of its 78 thousand instructions a call (floor: 66) 41 % run its one prepared statement by SPI, 3 % are its own',
		run => [ ours => question("SELECT license.record_connection(1, 2000000000, '00:00:00:00:00:01');"),
			floor => question('SELECT status FROM license.license WHERE account_id = 1 AND license_id = 2;') ]);
	compare(name => 'key text to value to text', unit => 's', goals => [ [ 'uuid', '<=', 1.0 ] ],
		why => '50 round trips of each of ' . option('keys') . ' keys; uuid: the same with the type uuid',
		run => [ ours => sub { seconds_of('SELECT count((key::license.license_key)::text) FROM some_key, generate_series(1, 50);') },
			uuid => sub { seconds_of('SELECT count((id::uuid)::text) FROM some_key, generate_series(1, 50);') } ]);
}

sub sites
{
	my $site = '1 + :n % ' . int((option('apartments') + 39) / 40);
	my $loaded;

	compare(name => 'site_dashboard', unit => 'tps', goals => [ [ 'floor', '>=', 0.5 ] ],
		why => 'one site of 40 apartments with 5 devices each and one licence; floor: one index scan over its apartments',
		run => [ ours => sub {
				load_devices('license') unless $loaded++;
				question("SELECT * FROM license.site_dashboard WHERE account_id = 1 AND site_id = $site;")->();
			},
			floor => question("SELECT count(*), count(*) FILTER (WHERE seats_used > 0) FROM license.apartment WHERE account_id = 1 AND site_id = $site;") ]);
}

sub sweeps
{
	my ($few, $many) = (option('few'), option('licenses'));

	check_sweeps() if Bench::wanted('sweep of 10000 due');
	compare(name => 'sweep of 10000 due', unit => 's', goals => [ [ 'floor', '<=', 1.5 ] ],
		why => "among $many licences; floor: set-based SQL that writes the same rows, to the byte but for the ids, and notifies",
		rest => 'a third of its CPU goes into index entries and a sixth into foreign keys, as at the floor; beyond it 8 % finds and locks what is due, and finds it again for each step, 6 % works out which stages apply, 5 % are triggers of licence, 2 % looks whether the notice was raised before',
		run => [ ours => sweep($ours_sweep), floor => sweep($floor_sweep) ]);
	compare(name => 'sweep among many', unit => 's', goals => [ [ 'few', '<=', 1.2 ] ],
		why => "the same 10000 due among $many licences; few: among $few, in a copy of the database made before the others were added",
		run => [ ours => sweep($ours_sweep), few => sweep($ours_sweep, database => 'bench_few') ]);
}

# Private memory of one backend after a hundredth of the calls and after all
sub memory
{
	my ($statement) = @_;
	my $thousands = option('calls') / 1000;
	my $rss = "SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+)');\n";
	my $calls = "SELECT \$\$SELECT count(r) FROM (SELECT $statement AS r FROM generate_series(1, 1000) n) s\$\$ FROM generate_series(1, %d)\n\\gexec\n";

	return grep { !/^1000$/ } split /\n/, sql(sprintf($calls, $thousands / 100) . $rss . sprintf($calls, $thousands * 99 / 100) . $rss);
}

my @memories = (
	[ validate => 'license.validate((SELECT key FROM some_key WHERE n = 1))',
		is_valid_key => 'license.is_valid_key(n::text)',
		record_connection => "license.record_connection(1, 2000000000, '00:00:00:00:00:01')",
		'refused acquire_seat' => "license.acquire_seat(1, 999, 'device', device_id => 100000000 + n)" ],
	[ acquire_seat => "license.acquire_seat(1, 1, 'device', device_id => 100000000 + n)",
		heartbeat => "license.heartbeat(1, 200000000 + n, interval '1 day')" ]);

# Two lists at a time, since nothing is timed; of one list in turn, since they meet the same rows.
sub memories
{
	my @names = grep { option('only') eq '' || "memory $_" =~ option('only') } map { my %h = @$_; sort keys %h } @memories;
	my @pipes;

	return unless @names;
	reset_seats('license', leased => 1);
	foreach my $list (@memories)
	{
		my %statement = @$list;

		open(my $pipe, '-|') // die $! or do
		{
			print join("\t", $_, memory($statement{$_})), "\n" foreach grep { my $n = $_; grep { $_ eq $n } @names } sort keys %statement;
			exit 0;
		};
		push @pipes, $pipe;
	}
	my %seen = map { my ($name, @kb) = split /\t/; ($name => \@kb) } map { chomp; $_ } map { my $pipe = $_; <$pipe> } @pipes;
	add_memory($_, @{ $seen{$_} // die "no memory of $_" }) foreach @names;
}

sub add_memory
{
	my ($name, $before, $after) = @_;

	add_row(name => "memory $name", unit => 'kB', goals => [ [ 'before', '<=', 1.05 ] ],
		why => 'private memory of one backend after ' . option('calls') . ' calls; before: after a hundredth of them',
		seen => { ours => [$after], before => [$before] });
}

sub works
{
	devices();
	seats();
	licenses();
	sites();
	sweeps();
	memories();
}

1;
