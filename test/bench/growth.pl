# How the figures of ours change with the number of rows: one database a size, every size once a round.
use strict;
use warnings;
use Bench;

my $flat = 1.3;
my @grown;

sub sizes
{
	return split /,/, option('sizes');
}

sub set_up_growth
{
	foreach my $n (sizes())
	{
		set_up_database("growth_$n", $n, $n);
		run_script("$FindBin::RealBin/seats.sql", database => "growth_$n", apartments => $n, seats => $n);
	}
}

# grow(name =>, unit =>, rows => what there are more of, why =>, rest => why it is not flat, run => sub (database, size))
sub grow
{
	my (%row) = @_;
	my %seen = measure("growth, $row{name}", map { ($_ => code_of($row{run}, $_)) } sizes()) or return;
	my @medians = map { Bench::median(@{ $seen{$_} }) } sizes();
	my $ratio = $row{unit} eq 's' ? $medians[-1] / $medians[0] : $medians[0] / $medians[-1];

	push @grown, { %row, medians => \@medians, ratio => $ratio };
}

sub code_of
{
	my ($run, $size) = @_;

	return sub { return $run->("growth_$size", $size) };
}

# What a round has added is taken away.
sub remove_devices
{
	my ($database) = @_;

	sql('DELETE FROM license.device WHERE account_id = 1 AND device_id < 100000000;', database => $database);
	sql('VACUUM license.device; VACUUM license.apartment; ALTER SEQUENCE turn RESTART;', database => $database);
}

sub assign_grown
{
	my ($database, $n) = @_;

	remove_devices($database);
	return rate_of(<<"PGB", database => $database);
\\set a random(1, $n)
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
SELECT 1, t, 1 + (:a - 1) / 40, :a, t::text FROM nextval('turn') t;
PGB
}

# Five devices for as many apartments as the smallest size has
sub copy_grown
{
	my ($database, $n) = @_;
	my ($least) = sizes();
	my $file = ($ENV{TMPDIR} // '/tmp') . "/devices_$n.csv";
	my $apartment = sprintf('1 + (i - 1) / 5 * %d', $n / $least);

	remove_devices($database);
	sql("COPY (SELECT 1, i, 1 + ($apartment - 1) / 40, $apartment, i::text FROM generate_series(1, 5 * $least) i) TO '$file';",
		database => $database) unless -e $file;
	return seconds_of("COPY license.device (account_id, device_id, site_id, apartment_id, device_code) FROM '$file';", database => $database);
}

sub acquire_grown
{
	my ($database) = @_;

	sql('DELETE FROM license.seat WHERE account_id = 1 AND license_id = 1;', database => $database);
	sql('VACUUM license.seat; VACUUM license.license_pool; ALTER SEQUENCE turn RESTART;', database => $database);
	return rate_of("SELECT * FROM license.acquire_seat(1, 1, 'device', device_id => (SELECT 100000000 + nextval('turn')));\n",
		database => $database, clients => 64, transactions => 170);
}

sub sweep_grown
{
	my ($database) = @_;

	sql('VACUUM license.license; VACUUM license.notice;', database => $database);
	return seconds_of("\\timing off\nBEGIN;\n\\timing on\nSELECT * FROM license.sweep(now(), 20000);\n\\timing off\nROLLBACK;",
		database => $database);
}

# A pgbench script in which :n is a random number up to the size, or to `among`
sub script
{
	my ($statement, %with) = @_;

	return sub {
		my ($database, $n) = @_;
		my $most = $with{keys} && $n > 10_000 ? 10_000 : $n;

		sql("VACUUM $with{vacuum};", database => $database) if $with{vacuum};
		return rate_of("\\set n random(1, $most)\n$statement\n", database => $database);
	};
}

sub growth_of_apartments
{
	grow(name => 'assign one device', unit => 'tps', rows => 'apartments', run => \&assign_grown,
		why => 'prepared INSERT of a phone into any apartment, each of which has a device, 4 clients');
	grow(name => 'COPY', unit => 's', rows => 'apartments', run => \&copy_grown,
		why => 'five devices for each of ' . (sizes())[0] . ' apartments, spread evenly over all');
	grow(name => 'UPDATE no rule looks at', unit => 'tps', rows => 'apartments',
		run => script('UPDATE license.device SET last_seen_at = now() WHERE account_id = 1 AND device_id = 200000000 + :n;'),
		why => 'prepared UPDATE of last_seen_at of any device, one an apartment',
		rest => 'any of a million rows instead of ten thousand: 114 MB of devices and 34 MB of their primary key where there were 8 and 4, and a core has 2 MB of cache near');
	grow(name => 'site_dashboard', unit => 'tps', rows => 'apartments',
		run => script('SELECT * FROM license.site_dashboard WHERE account_id = 1 AND site_id = 1 + (:n - 1) / 40;'),
		why => 'any site; each has 40 apartments',
		rest => 'indexes of apartments and licences are a level deeper (2 instead of 1), and tables and indexes it reads grow from 18 to 650 MB, of which a core has 2 MB of cache near');
}

sub growth_of_licenses
{
	grow(name => 'validate', unit => 'tps', rows => 'licences',
		run => script('SELECT * FROM license.validate((SELECT key FROM some_key WHERE n = :n));', keys => 1),
		why => 'one of 10000 keys, spread evenly over all');
	grow(name => 'record_connection, started', unit => 'tps', rows => 'licences',
		run => script("SELECT license.record_connection(1, 2000000000, '00:00:00:00:00:01');"),
		why => 'a device connects under a licence that runs');
	grow(name => 'sweep of 10000 due', unit => 's', rows => 'licences', run => \&sweep_grown,
		why => 'the same 10000 due among more and more');
}

sub growth_of_seats
{
	grow(name => 'acquire_seat, one hot pool', unit => 'tps', rows => 'seats', run => \&acquire_grown,
		why => '64 clients take the 10000 seats of one pool, the others are in pools of 10000');
	grow(name => 'heartbeat', unit => 'tps', rows => 'seats',
		run => script("SELECT * FROM license.heartbeat(1, 200000000 + :n, '1 day');", vacuum => 'license.seat'),
		why => 'any lease renewed');
}

sub growth
{
	set_up_growth() if option('setup') // 1;
	growth_of_apartments();
	growth_of_licenses();
	growth_of_seats();
	return unless option('setup') // 1;
	drop_database("growth_$_") foreach sizes();
}

sub print_growth
{
	my @sizes = sizes();
	my $layout = '%-30s %-11s %-4s' . ' %9s' x @sizes . "  %5s\n";

	printf "\n$layout", 'growth of ours', 'rows', 'unit', @sizes, 'ratio';
	foreach my $row (@grown)
	{
		printf $layout, @$row{qw(name rows unit)}, (map { number($_) } @{ $row->{medians} }), sprintf('%.2f', $row->{ratio});
		print "    $row->{why}\n";
		print "    Not flat: ", $row->{rest} // 'not analysed', "\n" if $row->{ratio} > $flat;
	}
	print "ratio: time at the largest size to time at the smallest\n\n";
}

sub growth_values
{
	return ([ 'work', 'rows', 'unit', sizes(), 'ratio', 'explanation' ],
		map { [ @$_{qw(name rows unit)}, @{ $_->{medians} }, $_->{ratio}, $_->{why} ] } @grown);
}

1;
