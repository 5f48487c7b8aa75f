# The library refuses to work on SQL objects of another version until ALTER EXTENSION UPDATE, and an
# updated database is the same as a new one.
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

my $node = PostgreSQL::Test::Cluster->new('version');
my $installed = $node->basedir . '/inst';
my $directory;
my $version;

# There is no older release yet, so one is made up: the same objects under an older name.
system_or_bail('cp', '-r', $ENV{LICENSE_EXT_DESTDIR}, $installed);
find(sub { $directory = $File::Find::dir if $_ eq 'license_ext.control' }, $installed);
($version) = slurp_file("$directory/license_ext.control") =~ /^default_version = '(.*)'/m;
append_to_file("$directory/license_ext--0.9.sql", slurp_file("$directory/license_ext--$version.sql"));
append_to_file("$directory/license_ext--0.9--$version.sql",
	"\\echo Use \"ALTER EXTENSION license_ext UPDATE\" to load this file. \\quit\n");

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
	my ($sql, $what) = @_;
	my ($status, $out, $err) = $node->psql('old', "\\set VERBOSITY verbose\n$sql");

	like($err, qr/ERROR:  55000:.*different versions.*library is of version \Q$version\E, .* of version 0\.9.*ALTER EXTENSION license_ext UPDATE/s, $what);
}

answer('postgres', "CREATE DATABASE $_") foreach 'old', 'new';
answer('new', 'CREATE EXTENSION license_ext CASCADE');
answer('old', "CREATE EXTENSION license_ext VERSION '0.9' CASCADE");
is(answer('old', "SELECT extversion FROM pg_extension WHERE extname = 'license_ext'"), '0.9', 'the older version is there');
answer('old', "INSERT INTO license.account (account_id, name) VALUES (1, 'Kept')");
refused("SELECT license.acquire_seat(1, 1, 'device', device_id => 1)", 'operations refuse to work on it');
refused("INSERT INTO license.license (account_id, sku) VALUES (1, 'C2TU1')", 'and so do the rules of plain rows');
is( answer('old', <<SQL), 't', 'ALTER EXTENSION UPDATE ends that, in the same session too');
ALTER EXTENSION license_ext UPDATE;
INSERT INTO license.license (account_id, sku) VALUES (1, 'C2TU1');
SELECT count(*) = 1 FROM license.license JOIN license.account USING (account_id) WHERE name = 'Kept';
SQL

# Everything the catalogs know about the extension's objects, oids apart
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
UNION ALL SELECT concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN objects ON objid = polrelid AND classid = 'pg_class'::regclass
ORDER BY 1
SQL
cmp_ok(scalar(() = answer('new', $catalogs) =~ /^(?:function|column|constraint|trigger) /mg), '>', 200, 'the catalogs are read');
is(answer('old', $catalogs), answer('new', $catalogs), 'an updated database is the same as a new one');

$node->stop;
done_testing();
