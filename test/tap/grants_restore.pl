# S11: levels in a dump follow the role. Restored in the same server, and in another one in which the roles have other ids,
# do not exist yet, or where another role has the name of one that was dropped.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest 'as_role';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = LicenseTest::new_node('source');
my $dump = $source->basedir . '/grants.dump';
my $see = q{SELECT string_agg(account_id::text, ' ' ORDER BY account_id) FROM license.site};

sub quoted
{
	return '"' . ($_[0] =~ s/"/""/gr) . '"';
}

# Names that are easily written or read wrongly, each with a level in account 20, 30 or 40 in turn
my $long = 'x' x 63;
my @odd = ('!x', 'A b', 'quote"quote', '"', '!"', q{it's}, 'back\\slash', 'tab' . "\t" . 'tab', "line\nline", 'comma,brace{}', 'public ', 'null', 'Žluťoučký', $long, '1', '!', 'select');
my %account = map { $odd[$_] => 20 + 10 * ($_ % 3) } 0 .. $#odd;

sub create_odd_roles
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'CREATE ROLE ' . quoted($_) . ' LOGIN') foreach @_[ 1 .. $#_ ];
}

sub sees
{
	my ($node, $database, $role, $expected, $name) = @_;
	my $shown = $role =~ s/\n/\\n/gr =~ s/\t/\\t/gr;
	my $answer = as_role($node, $role, $see, $database);

	ref $expected ? like($answer, $expected, "$name: $shown") : is($answer, $expected, "$name: $shown");
}

$source->safe_psql('postgres', <<'SQL');
INSERT INTO license.account (account_id, parent_id, kind, name) VALUES (10, NULL, 'provider', 'Vendor'),
    (20, 10, 'partner', 'Twenty'), (30, 10, 'partner', 'Thirty'), (40, 10, 'partner', 'Forty');
INSERT INTO license.site (account_id, site_id, name) SELECT account_id, 1, 'Site of ' || account_id FROM license.account;
CREATE ROLE vendor LOGIN;
CREATE ROLE keeper LOGIN;
CREATE ROLE late LOGIN;
CREATE ROLE former LOGIN;
CREATE ROLE dropped LOGIN;
SELECT license.grant_access('vendor', 'provider'), license.grant_access('keeper', 'reader', 20), license.grant_access('keeper', 'customer', 30),
    license.grant_access('late', 'reader', 40), license.grant_access('former', 'reader', 40), license.grant_access('dropped', 'customer', 20);
ALTER ROLE former RENAME TO current;
DROP OWNED BY dropped;
DROP ROLE dropped;
SQL
create_odd_roles($source, @odd);
$source->safe_psql('postgres', join(';', map { sprintf 'SELECT license.grant_access(%s::regrole, $$reader$$, %d)', "\$\$" . quoted($_) . "\$\$", $account{$_} } @odd));
sees($source, 'postgres', $_, $account{$_}, 'S11: a role whose name needs quotes has its level') foreach @odd;
$source->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'S11: pg_dump writes a database with grants of dropped, renamed and oddly named roles');

# The same server, with a role of the dropped one's name made after the dump. It and the one with the former name are let in
# by memberships, so that they would see what the grant shows.
$source->safe_psql('postgres', 'CREATE ROLE dropped LOGIN IN ROLE current; CREATE ROLE former LOGIN IN ROLE keeper; CREATE DATABASE restored');
$source->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', $dump ], 'S11: pg_restore into the same server');
foreach my $when ('after restoring in the same server', 'after refresh_access in the same server')
{
	sees($source, 'restored', 'keeper', '20 30', "S11: $when a role has all of its levels");
	sees($source, 'restored', 'current', '40', "S11: $when a renamed role has its level");
	sees($source, 'restored', 'former', '20 30', "S11: $when a role with the former name of a renamed one has only what its membership gives");
	sees($source, 'restored', 'dropped', '40', "S11: $when a role with the name of a dropped one has only what its membership gives");
	sees($source, 'restored', $_, $account{$_}, "S11: $when a role whose name needs quotes has its level") foreach @odd;
	is(as_role($source, 'vendor', q{SELECT count(*), string_agg(role_name || ' ' || state, ', ') FILTER (WHERE state <> 'active') FROM license.refresh_access()}, 'restored'),
		(6 + @odd) . '|dropped role gone', "S11: $when refresh_access lists every grant, and the dropped role's as gone");
}

# Another server: other roles came first, the former name is somebody else's, "late" is created after the restore
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
LicenseTest::configure_node($other);
$other->start;
$other->safe_psql('postgres', 'CREATE ROLE stranger' . $_) foreach 1 .. 9;
create_odd_roles($other, 'dropped', 'former', reverse(@odd), 'keeper', 'current', 'vendor');
$other->safe_psql('postgres', 'GRANT current TO dropped; GRANT keeper TO former');
$other->safe_psql('postgres', 'CREATE DATABASE restored');
my ($out, $err) = run_command([ 'pg_restore', '-h', $other->host, '-p', $other->port, '-d', 'restored', $dump ]);
is(join("\n", grep { /error:/ && !/role "late" does not exist/ } split /\n/, $err), '', 'S11: pg_restore into another server complains of nothing but privileges of the role that does not exist there');
is($other->safe_psql('restored', q{SELECT role_name || ' ' || state FROM license.refresh_access() WHERE state <> 'active' ORDER BY 1}), "dropped role gone\nlate role unknown",
	'S11: in another server refresh_access lists the dropped role as gone and the missing one as unknown');

sub check_other
{
	my ($when) = @_;

	sees($other, 'restored', 'keeper', '20 30', "S11: $when a role has all of its levels under another id");
	is(as_role($other, 'keeper', q{UPDATE license.site SET name = name WHERE account_id IN (20, 30) RETURNING account_id}, 'restored'), '30', "S11: $when a role writes only where it is customer");
	sees($other, 'restored', 'current', '40', "S11: $when a renamed role has its level by its new name");
	sees($other, 'restored', 'former', '20 30', "S11: $when a role with the former name of a renamed one has only what its membership gives");
	sees($other, 'restored', 'dropped', '40', "S11: $when another role with the name of a dropped one has only what its membership gives");
	sees($other, 'restored', $_, $account{$_}, "S11: $when a role whose name needs quotes has its level") foreach @odd;
}

check_other('in another server');
create_odd_roles($other, 'late');
sees($other, 'restored', 'late', qr/^42501/, 'S11: a role created after the restore has no privilege before refresh_access');
$other->safe_psql('postgres', 'GRANT keeper TO late');
sees($other, 'restored', 'late', '20 30', 'S11: a role created after the restore and let in by a membership has only what that gives before refresh_access');
$other->safe_psql('postgres', 'REVOKE keeper FROM late');
is(as_role($other, 'vendor', q{SELECT role_name || ' ' || state FROM license.refresh_access() WHERE role_name = 'late'}, 'restored'), 'late active',
	'S11: refresh_access binds the grant to a role created after the restore');
sees($other, 'restored', 'late', '40', 'S11: a role created after the restore has its level after refresh_access');
check_other('in another server, after refresh_access');
$other->safe_psql('postgres', 'ALTER ROLE late RENAME TO later; CREATE ROLE late LOGIN');
sees($other, 'restored', 'later', '40', 'S11: a role bound after the restore keeps its level when it is renamed');
sees($other, 'restored', 'late', qr/^42501/, 'S11: a new role with its former name has nothing');

# A dump of the restored database: what was gone stays gone, with the role of that name still there.
$other->command_ok([ 'pg_dump', '-Fc', '-f', "$dump.again", 'restored' ], 'S11: pg_dump of the restored database');
$other->safe_psql('postgres', 'CREATE DATABASE again');
$other->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'again', "$dump.again" ], 'S11: pg_restore of that dump');
sees($other, 'again', 'dropped', '40', 'S11: a grant that was gone stays gone in the dump of a restored database');
sees($other, 'again', 'later', '40', 'S11: a renamed role has its level in the dump of a restored database');
is(as_role($other, 'vendor', q{SELECT license.revoke_access(role_id::regrole) FROM license.refresh_access() WHERE state = 'role gone'; SELECT count(*) FROM license.refresh_access() WHERE state <> 'active'}, 'again'),
	"\n0", 'S11: revoke_access by the id that refresh_access lists removes a restored grant of a dropped role');
sees($other, 'again', $_, $account{$_}, 'S11: after that a role whose name needs quotes still has its level') foreach @odd;

$source->stop;
$other->stop;
done_testing();
