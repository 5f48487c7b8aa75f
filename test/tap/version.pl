# The library refuses to work on SQL objects of another version until ALTER EXTENSION UPDATE; each released
# version can be updated, keeps its rows, and is the same as a new one then.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use File::Basename;
use File::Find;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use LicenseTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs an installation of its own, see test/run.sh' unless defined $ENV{LICENSE_EXT_DESTDIR};

# An installation that has the install scripts of the releases, too: users meet them as databases made by them.
my $node = PostgreSQL::Test::Cluster->new('version');
my $installed = $node->basedir . '/inst';
my @kept = sort glob("$FindBin::RealBin/../releases/license_ext--*.sql.gz");
my @releases = map { /--(.*)\.sql\.gz$/ } @kept;
my $directory;

system_or_bail('cp', '-r', $ENV{LICENSE_EXT_DESTDIR}, $installed);
find(sub { $directory = $File::Find::dir if $_ eq 'license_ext.control' }, $installed);
my ($version) = slurp_file("$directory/license_ext.control") =~ /^default_version = '(.*)'/m;

# The lines that only one of two texts has, whatever their order
sub difference
{
	my ($one, $other) = @_;
	my %in;

	$in{$_}++ foreach split /\n/, $one;
	$in{$_}-- foreach split /\n/, $other;
	return join "\n", map { ($in{$_} > 0 ? '+' : '-') . $_ } grep { $in{$_} } sort keys %in;
}

# What is released is fixed: another script under its name would be one that no update leads to.
foreach my $archive (@kept)
{
	my $name = basename($archive, '.gz');
	my $script = $node->basedir . "/$name";

	gunzip($archive => $script) or die "$archive: $GunzipError";
	ok(slurp_file("$directory/$name") eq slurp_file($script), "$name is built as it was released") if -e "$directory/$name";
	system_or_bail('cp', $script, $directory);
}
my @older = grep { $_ ne $version } @releases;
cmp_ok(scalar @older, '>', 0, 'there are releases to update');

$node->init;
LicenseTest::configure_node($node);
$node->append_conf('postgresql.conf', $ENV{LICENSE_EXT_SETTINGS} =~ s/\Q$ENV{LICENSE_EXT_DESTDIR}\E/$installed/gr);
$node->start;

sub answer
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

sub refused
{
	my ($release, $sql, $what) = @_;
	my ($status, $out, $err) = $node->psql($release, "\\set VERBOSITY verbose\n$sql");

	like($err, qr/ERROR:  55000:.*different versions.*library is of version \Q$version\E, .* of version \Q$release\E.*ALTER EXTENSION license_ext UPDATE/s,
		"$release: $what");
}

# What the catalogs know about the extension's objects, oids apart
my $catalogs = <<'SQL';
WITH objects AS (SELECT classid, objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'license_ext' AND d.deptype = 'e')
SELECT concat_ws(' ', 'object', pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name)) FROM objects
UNION ALL SELECT concat_ws(' ', 'function', p.oid::regprocedure, pg_get_function_result(p.oid), provolatile, proparallel, proisstrict,
    proleakproof, prosecdef, prorows, proconfig, proacl, prosrc, pg_get_function_sqlbody(p.oid), pg_get_expr(proargdefaults, 0))
    FROM pg_proc p JOIN objects ON objid = p.oid AND classid = 'pg_proc'::regclass
UNION ALL SELECT concat_ws(' ', 'relation', c.oid::regclass, relkind, reloptions, relrowsecurity, relforcerowsecurity, relreplident,
    relacl, CASE relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END)
    FROM pg_class c JOIN objects ON objid = c.oid AND classid = 'pg_class'::regclass
UNION ALL SELECT concat_ws(' ', 'saved', t::regclass, condition) FROM pg_extension, unnest(extconfig, extcondition) AS u (t, condition) WHERE extname = 'license_ext'
UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attgenerated,
    attacl, pg_get_expr(d.adbin, d.adrelid), col_description(attrelid, attnum))
    FROM pg_attribute a JOIN objects ON objid = attrelid AND classid = 'pg_class'::regclass
    LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum WHERE attnum > 0
UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(o.oid))
    FROM pg_constraint o JOIN objects ON objid = conrelid AND classid = 'pg_class'::regclass
UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid))
    FROM pg_index JOIN objects ON objid = indrelid AND classid = 'pg_class'::regclass
UNION ALL SELECT concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(t.oid))
    FROM pg_trigger t JOIN objects ON objid = tgrelid AND classid = 'pg_class'::regclass WHERE NOT tgisinternal
UNION ALL SELECT concat_ws(' ', 'initial', pg_describe_object(i.classoid, i.objoid, i.objsubid), privtype, initprivs)
    FROM pg_init_privs i JOIN objects ON objid = i.objoid AND classid = i.classoid
UNION ALL SELECT concat_ws(' ', 'type', typname, typtype, typlen, typbyval, typalign, typstorage, typcategory, typispreferred, typacl,
    typinput, typoutput, typreceive, typsend)
    FROM pg_type t JOIN objects ON objid = t.oid AND classid = 'pg_type'::regclass
UNION ALL SELECT concat_ws(' ', 'operator', o.oid::regoperator, oprcode, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin,
    oprcanmerge, oprcanhash)
    FROM pg_operator o JOIN objects ON objid = o.oid AND classid = 'pg_operator'::regclass
UNION ALL SELECT concat_ws(' ', 'cast', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext, castmethod)
    FROM pg_cast c JOIN objects ON objid = c.oid AND classid = 'pg_cast'::regclass
UNION ALL SELECT concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN objects ON objid = polrelid AND classid = 'pg_class'::regclass
ORDER BY 1
SQL

my $grants = <<'SQL';
GRANT USAGE ON SCHEMA license TO reporter;
GRANT SELECT ON license.denial, license.license TO reporter;
GRANT EXECUTE ON FUNCTION license.validate(text, text, text, timestamptz), license._append_only_trg() TO reporter;
SQL

answer('postgres', 'CREATE ROLE reporter');
answer('postgres', 'CREATE DATABASE new');
LicenseTest::create_extension($node, 'new');
answer('new', $grants);
my $new = answer('new', $catalogs);
cmp_ok(scalar(() = $new =~ /^$_ /mg), '>', 0, "the catalogs are read: $_")
  foreach qw(object function relation saved column constraint index trigger policy initial type operator cast);

LicenseTest::fill($node, 'new');
my @tables = LicenseTest::tables($node, 'new');
my $rows = LicenseTest::contents($node, 'new', @tables);

# What a role with a level may call
my $executable = <<'SQL';
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'license'::regnamespace
    AND has_function_privilege('fill_provider', oid, 'EXECUTE') ORDER BY oid::regprocedure::text
SQL

# The library of that release is not here to fill its tables, so the rows are copied behind its back.
sub copy_rows
{
	my ($release) = @_;

	foreach my $table (@tables)
	{
		my $columns = answer($release, <<SQL);
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
SQL
		my $file = $node->basedir . "/$table.copy";

		answer('new', "COPY (SELECT $columns FROM $table) TO '$file'");
		answer($release, <<SQL);
SET session_replication_role = replica;
DELETE FROM $table;
COPY $table ($columns) FROM '$file';
SQL
		unlink $file;
	}
}

foreach my $release (@older)
{
	answer('postgres', qq(CREATE DATABASE "$release"));
	answer($release, "CREATE EXTENSION license_ext VERSION '$release' CASCADE");
	is(answer($release, "SELECT extversion FROM pg_extension WHERE extname = 'license_ext'"), $release, "$release is there");
	answer($release, $grants);
	copy_rows($release);

	refused($release, "SELECT license.acquire_seat(4, 88, 'device', device_id => 44)", 'operations refuse to work on it');
	refused($release, "INSERT INTO license.license (account_id, sku) VALUES (4, 'C2TU1')", 'and so do the rules of plain rows');
	answer($release, 'CREATE TYPE license.planted AS ENUM (); ALTER TYPE license.planted OWNER TO reporter');
	my ($status, $out, $err) = $node->psql($release, 'ALTER EXTENSION license_ext UPDATE');
	like($err, qr/ERROR:  type license\.planted belongs to role "reporter"/, "$release: what was planted in the schema is told");
	answer($release, 'DROP TYPE license.planted');
	is( answer($release, <<SQL), 'LX001', "$release: ALTER EXTENSION UPDATE ends that, in the same session too");
ALTER EXTENSION license_ext UPDATE;
DO \$\$
BEGIN
    INSERT INTO license.device (account_id, site_id, apartment_id, device_code) VALUES (4, 11, 21, '500');
EXCEPTION WHEN OTHERS THEN
    PERFORM set_config('test.sqlstate', SQLSTATE, false);
END \$\$;
SELECT current_setting('test.sqlstate');
SQL
	is(difference(answer($release, $catalogs), $new), '', "$release: an updated database is the same as a new one");
	is(difference(LicenseTest::contents($node, $release, @tables), $rows), '', "$release: and has kept every row");
	is(answer($release, 'SELECT * FROM license.check_seats()'), '', "$release: and every count");

	# The update cannot grant what is new to the levels of the old: pg_dump takes grants of an extension's script for
	# its own and leaves them out. So README says what to run.
	my ($again) = slurp_file("$FindBin::RealBin/../../README.md") =~ /^ +(SELECT license\.grant_access\(.* FROM license\.access;)$/m;
	answer($release, $again);
	is(difference(answer($release, $executable), answer('new', $executable)), '', "$release: granted again, a level covers what is new");
}

$node->stop;
done_testing();
