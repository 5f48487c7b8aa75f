# An update leads from one version to the next: until ALTER EXTENSION UPDATE the new library refuses to work on the old
# SQL objects; then the database is the same as a new one and has kept its rows. No version comes after this one yet, so
# the test makes one up, and builds it as a release is built: from a copy of the tree.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use File::Find;
use LicenseTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs an installation of its own, see test/run.sh' unless defined $ENV{LICENSE_EXT_DESTDIR};

my $root = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('version');
my $installed = $node->basedir . '/inst';
my $tree = $node->basedir . '/tree';
my ($version) = slurp_file("$root/license_ext.control") =~ /^default_version = '(.*)'/m;
my $next = $version =~ s/(\d+)$/$1 + 1/er;
my $between = "$version.1";

# What is new in the next version: objects in a piece of their own, and changes in the pieces that are there.
my $new_objects = <<'SQL';
CREATE TABLE license.reminder (
    account_id bigint NOT NULL REFERENCES license.account (account_id),
    reminder_id bigint NOT NULL DEFAULT license.next_id(),
    remind_at timestamptz,
    CONSTRAINT reminder_pkey PRIMARY KEY (account_id, reminder_id)
);
COMMENT ON TABLE license.reminder IS 'Made up.';
COMMENT ON COLUMN license.reminder.remind_at IS 'Made up.';
CREATE INDEX reminder_at_idx ON license.reminder (remind_at);
ALTER TABLE license.reminder ENABLE ROW LEVEL SECURITY;
CREATE POLICY reminder_policy ON license.reminder USING (remind_at IS NOT NULL);
SELECT pg_extension_config_dump('license.reminder', 'WHERE remind_at IS NOT NULL');

CREATE FUNCTION license.error_codes(class text, OUT sqlstate text, OUT name text, OUT meaning text) RETURNS SETOF record
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_error_codes';
COMMENT ON FUNCTION license.error_codes(text) IS 'Made up.';
SQL

# The update takes two steps, as one over a version left out does.
my $first_update = <<'SQL';
\echo Use "ALTER EXTENSION license_ext UPDATE" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;
CREATE FUNCTION license._require_own_schema() RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'license_require_own_schema';
SELECT license._require_own_schema();
DROP FUNCTION license._require_own_schema();

DROP FUNCTION license.coterm_days(integer[], integer[]);
COMMENT ON FUNCTION license.generate_key() IS 'Made up.';
ALTER TABLE license.module ADD COLUMN note text;
ALTER TABLE license.module ADD CONSTRAINT module_note_check CHECK (note <> '');
SQL
my $second_update = <<'SQL';
\echo Use "ALTER EXTENSION license_ext UPDATE" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;
CREATE TABLE license.reminder (
    account_id bigint NOT NULL REFERENCES license.account (account_id),
    reminder_id bigint NOT NULL DEFAULT license.next_id(),
    remind_at timestamptz
);
ALTER TABLE license.reminder ADD CONSTRAINT reminder_pkey PRIMARY KEY (account_id, reminder_id);
CREATE INDEX reminder_at_idx ON license.reminder (remind_at);
COMMENT ON TABLE license.reminder IS 'Made up.';
COMMENT ON COLUMN license.reminder.remind_at IS 'Made up.';
ALTER TABLE license.reminder ENABLE ROW LEVEL SECURITY;
CREATE POLICY reminder_policy ON license.reminder USING (remind_at IS NOT NULL);
SELECT pg_extension_config_dump('license.reminder', 'WHERE remind_at IS NOT NULL');
REVOKE ALL ON TABLE license.reminder FROM PUBLIC;

CREATE FUNCTION license.error_codes(class text, OUT sqlstate text, OUT name text, OUT meaning text) RETURNS SETOF record
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_error_codes';
COMMENT ON FUNCTION license.error_codes(text) IS 'Made up.';
REVOKE ALL ON FUNCTION license.error_codes(text) FROM PUBLIC;
SQL

# Changes the one file of the copied tree where the pattern is found.
sub edit
{
	my ($pattern, $replacement, @files) = @_;
	my @edited = grep {
		my $text = slurp_file($_);
		my $found = $text =~ s/$pattern/$replacement->()/e;
		write_file($_, $text) if $found;
		$found
	} @files;

	is(scalar @edited, 1, "the made-up version changes what matches $pattern");
}

sub write_file
{
	my ($file, $text) = @_;

	open my $handle, '>', $file or die "$file: $!";
	print $handle $text;
	close $handle or die "$file: $!";
}

# Only the files that compile the version in are compiled again: make thinks that all others depend on it, too.
sub install_next_version
{
	my @pieces;
	my ($control, @stale) = map { "$tree/$_" } qw(license_ext.control license_ext.so src/core/version.o src/init.o);

	system_or_bail('cp', '-rp', $root, $tree);
	@pieces = glob("$tree/src/*/*.sql");
	my $built = (stat $control)[9];
	edit(qr/^default_version = '\Q$version\E'/m, sub { "default_version = '$next'" }, $control);
	utime $built, $built, $control;
	unlink @stale;
	edit(qr/^CREATE FUNCTION license\.coterm_days\(.*?;\n/ms, sub { '' }, @pieces);
	edit(qr/^COMMENT ON FUNCTION license\.coterm_days\(.*?';\n/ms, sub { '' }, @pieces);
	edit(qr/^COMMENT ON FUNCTION license\.generate_key\(\) IS\s+'.*?';\n/ms,
		sub { "COMMENT ON FUNCTION license.generate_key() IS 'Made up.';\n" }, @pieces);
	edit(qr/^CREATE TABLE license\.module \(.*?\K\n\);/ms,
		sub { ",\n    note text,\n    CONSTRAINT module_note_check CHECK (note <> '')\n);" }, @pieces);
	write_file("$tree/src/core/made_up.sql", $new_objects);
	edit(qr{^access/privileges\.sql$}m, sub { "core/made_up.sql\naccess/privileges.sql" }, "$tree/src/install.list");
	mkdir "$tree/src/updates";
	write_file("$tree/src/updates/license_ext--$version--$between.sql", $first_update);
	write_file("$tree/src/updates/license_ext--$between--$next.sql", $second_update);
	system_or_bail('make', '-s', '-C', $tree, 'PG_CONFIG=' . ($ENV{PG_CONFIG} // 'pg_config'), 'with_llvm=no',
		"DESTDIR=$installed", 'install');
}

# The lines that only one of two texts has, whatever their order
sub difference
{
	my ($one, $other) = @_;
	my %in;

	$in{$_}++ foreach split /\n/, $one;
	$in{$_}-- foreach split /\n/, $other;
	return join "\n", map { ($in{$_} > 0 ? '+' : '-') . $_ } grep { $in{$_} } sort keys %in;
}

sub answer
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

sub refused
{
	my ($sql, $what) = @_;
	my ($status, $out, $err) = $node->psql('updated', "\\set VERBOSITY verbose\n$sql");

	like($err, qr/ERROR:  55000:.*different versions.*library is of version \Q$next\E, .* of version \Q$version\E.*ALTER EXTENSION license_ext UPDATE/s,
		$what);
}

sub installed_version
{
	return answer('updated', "SELECT extversion FROM pg_extension WHERE extname = 'license_ext'");
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

# What a role with a level may call
my $executable = <<'SQL';
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'license'::regnamespace
    AND has_function_privilege('fill_provider', oid, 'EXECUTE') ORDER BY oid::regprocedure::text
SQL

# The rows of all tables as they are before the update, by the columns that are there before it
sub row_queries
{
	return map { s/\n/ /gr } split /\n/, answer('updated', <<'SQL');
SELECT format('SELECT %L, count(*), sum(hashtextextended(ROW(%s)::text, 0)) FROM %s', attrelid::regclass,
    string_agg(quote_ident(attname), ', ' ORDER BY attnum), attrelid::regclass)
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'license'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped GROUP BY attrelid
SQL
}

system_or_bail('cp', '-r', $ENV{LICENSE_EXT_DESTDIR}, $installed);
$node->init;
LicenseTest::configure_node($node);
$node->append_conf('postgresql.conf', $ENV{LICENSE_EXT_SETTINGS} =~ s/\Q$ENV{LICENSE_EXT_DESTDIR}\E/$installed/gr);
$node->start;

answer('postgres', 'CREATE ROLE reporter');
# The catalogs are compared where no role has a level: levels are granted by operations, not by scripts.
foreach my $database (qw(updated empty))
{
	answer('postgres', "CREATE DATABASE $database");
	LicenseTest::create_extension($node, $database);
	answer($database, $grants);
}
LicenseTest::fill($node, 'updated');
my $contents = join(' UNION ALL ', row_queries()) . ' ORDER BY 1';
my $rows = answer('updated', $contents);
cmp_ok(scalar(() = $rows =~ /\|[1-9]/g), '>=', 26, 'there are rows to lose');
is(answer('updated', 'SELECT * FROM license.check_seats()'), '', 'the counts are right before the update');

install_next_version();
is(installed_version(), $version, "the library is of version $next, the SQL objects are still of version $version");
refused("SELECT license.acquire_seat(4, 88, 'device', device_id => 44)", 'operations refuse to work on SQL objects of another version');
refused("INSERT INTO license.license (account_id, sku) VALUES (4, 'C2TU1')", 'triggers refuse plain rows in tables of another version');

answer('updated', 'CREATE TYPE license.planted AS ENUM (); ALTER TYPE license.planted OWNER TO reporter');
my ($status, $out, $err) = $node->psql('updated', 'ALTER EXTENSION license_ext UPDATE');
like($err, qr/ERROR:  type license\.planted belongs to role "reporter"/, 'ALTER EXTENSION UPDATE refuses a schema with an object of somebody else');
is(installed_version(), $version, 'an update that fails leaves the version as it was');
answer('updated', 'DROP TYPE license.planted');

is( answer('updated', <<'SQL'), 'LX001', 'ALTER EXTENSION UPDATE makes the rules work again, in the same session');
ALTER EXTENSION license_ext UPDATE;
DO $$
BEGIN
    INSERT INTO license.device (account_id, site_id, apartment_id, device_code) VALUES (4, 11, 21, '500');
EXCEPTION WHEN OTHERS THEN
    PERFORM set_config('test.sqlstate', SQLSTATE, false);
END $$;
SELECT current_setting('test.sqlstate');
SQL
is(installed_version(), $next, 'ALTER EXTENSION UPDATE leads to the version of the library');

answer('postgres', 'CREATE DATABASE new');
LicenseTest::create_extension($node, 'new');
answer('new', $grants);
my $new = answer('new', $catalogs);
cmp_ok(scalar(() = $new =~ /^$_ /mg), '>', 0, "the catalogs are read: $_")
  foreach qw(object function relation saved column constraint index trigger policy initial type operator cast);
like($new, qr/^saved license\.reminder WHERE/m, 'a new database has what the made-up version brings');
answer('empty', 'ALTER EXTENSION license_ext UPDATE');
is(difference(answer('empty', $catalogs), $new), '', 'an updated database is the same as a new one');
is(difference(answer('updated', $contents), $rows), '', 'an update keeps every row of every table');
is(answer('updated', 'SELECT * FROM license.check_seats()'), '', 'an update keeps every count');

# The update cannot grant what is new to the levels of the old: pg_dump takes grants of an extension's script for
# its own and leaves them out. So docs/operations.md says what to run.
my ($again) = slurp_file("$root/docs/operations.md") =~ /^ +(SELECT .* FROM license\.refresh_access\(\);)$/m;
unlike(answer('updated', $executable), qr/error_codes\(text\)/, 'the update gives nothing new to a level');
answer('updated', $again);
answer('new', "SELECT license.grant_access('fill_provider', 'provider')");
like(answer('updated', $executable), qr/error_codes\(text\)/, 'after the statement in docs/operations.md a level covers what is new');
is(difference(answer('updated', $executable), answer('new', $executable)), '', 'and covers what it does in a new database');

$node->stop;
done_testing();
