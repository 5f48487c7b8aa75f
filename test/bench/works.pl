# What bench.pl measures: one entry a row of the table.
use strict;
use warnings;

our $dir;

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
		return seconds_of("SET enable_seqscan = off;\nCOPY $schema.device (account_id, device_id, site_id, apartment_id, device_code) FROM '$file';");
	};
}

sub rename_devices
{
	my ($schema, $count) = @_;

	return sub {
		return rate_of("\\set d random(1, $count)\nUPDATE $schema.device SET priority = priority + 1 WHERE account_id = 1 AND device_id = :d;\n");
	};
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
}

1;
