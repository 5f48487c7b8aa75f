# The extension is installed, used, dumped and restored without pgcrypto; passwords are hashed by pgcrypto as soon as it
# is there, in whatever schema, and only by functions of its own library.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('pgcrypto');
my $dump = $node->basedir . '/dump';

sub answer
{
	my ($database, $sql, @params) = @_;

	return $node->safe_psql($database, $sql, @params);
}

# What a backend of level service gets in a session of its own
sub backend
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', 'backend' ]);

	return $err =~ /ERROR/ ? $err : $out;
}

my $login = "SELECT code FROM license.login('it\@acme.example', 'it\@acme.example', 'the password', channel => 'portal')";
my $set = "SELECT license.set_password(account_id, user_id, 'the password') FROM license.account_user";
my $no_pgcrypto = qr/ERROR:  55000: extension pgcrypto is not installed.*HINT:  CREATE EXTENSION pgcrypto/s;

answer('postgres', 'CREATE ROLE backend LOGIN; CREATE ROLE owner LOGIN; CREATE DATABASE own OWNER owner');
LicenseTest::create_extension($node, 'own');
foreach my $database (qw(postgres own))
{
	is(answer($database, 'SELECT count(*) FROM pg_extension WHERE extname NOT IN (\'plpgsql\', \'license_ext\')'), '0', "K9: CREATE EXTENSION license_ext brings no other one into $database");
	answer($database, "SELECT license.create_enterprise('Acme', 'it\@acme.example', 2); SELECT license.grant_access('backend', 'service')");
}
like(backend('postgres', $login), $no_pgcrypto, 'K9: login without pgcrypto raises 55000 and names the cure');
my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$set");
like($err, $no_pgcrypto, 'K9: set_password without pgcrypto raises 55000 and names the cure');

is(answer('postgres', "CREATE SCHEMA odd; CREATE EXTENSION pgcrypto SCHEMA odd; $set; $login"), "\nOK", 'K9: passwords work in the session that creates pgcrypto, in any schema');
is(backend('postgres', $login), 'OK', 'K9: the role that logs users in needs no privilege on pgcrypto');
answer('postgres', 'ALTER EXTENSION pgcrypto SET SCHEMA public; DROP SCHEMA odd');
is(backend('postgres', $login), 'OK', 'K9: pgcrypto may be moved');
answer('postgres', <<'SQL');
CREATE SCHEMA planted;
CREATE FUNCTION planted.crypt(text, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
GRANT USAGE ON SCHEMA planted TO PUBLIC;
ALTER ROLE backend SET search_path = planted, public;
SQL
is(backend('postgres', $login =~ s/the password/a wrong one/r), 'INVALID_CREDENTIALS', 'K9: a function crypt() on the search_path is never called');

# pgcrypto is a trusted extension: a database's owner may create it, owns it then, and may add functions to it.
is(answer('own', <<'SQL', extra_params => [ '-U', 'owner' ]), '', 'K9: an owner of the database who is no superuser creates pgcrypto');
CREATE EXTENSION pgcrypto;
CREATE SCHEMA added;
CREATE FUNCTION added.crypt(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE ''ALTER ROLE owner SUPERUSER''; RETURN $2; END';
CREATE FUNCTION added.gen_salt(text, integer) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE ''ALTER ROLE owner SUPERUSER''; RETURN $1; END';
ALTER EXTENSION pgcrypto ADD FUNCTION added.crypt(text, text);
ALTER EXTENSION pgcrypto ADD FUNCTION added.gen_salt(text, integer);
SQL
is(answer('own', "$set; $login"), "\nOK", 'K9: pgcrypto works with functions that its owner added to it');
answer('own', 'ALTER EXTENSION pgcrypto DROP FUNCTION crypt(text, text); ALTER EXTENSION pgcrypto DROP FUNCTION gen_salt(text, integer)');
like(backend('own', $login), $no_pgcrypto, 'K9: a function that somebody added to pgcrypto is never called by login');
($status, $out, $err) = $node->psql('own', "\\set VERBOSITY verbose\n$set");
like($err, $no_pgcrypto, 'K9: a function that somebody added to pgcrypto is never called by set_password');
is(answer('own', "SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'"), 'f', 'K9: the owner of pgcrypto has not become superuser');

# A dump has no order of its own between two extensions that do not need each other.
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'pg_dump');
my ($toc) = run_command([ 'pg_restore', '-l', $dump ]);
my @entries = split /\n/, $toc;
my ($license, $pgcrypto) = map { my $name = $_; (grep { /EXTENSION - $name/ && !/COMMENT/ } @entries)[0] } qw(license_ext pgcrypto);
ok(defined $license && defined $pgcrypto, 'the dump creates both extensions');
my %orders = (license_first => [ $license, $pgcrypto ], pgcrypto_first => [ $pgcrypto, $license ]);
foreach my $database (sort keys %orders)
{
	my @others = grep { $_ ne $license && $_ ne $pgcrypto } @entries;
	my ($behind_schemas) = grep { $others[$_] =~ / COMMENT - EXTENSION / } 0 .. $#others;
	my @list = (@others[ 0 .. $behind_schemas - 1 ], @{ $orders{$database} }, @others[ $behind_schemas .. $#others ]);
	open my $file, '>', "$dump.list" or die $!;
	print $file map { "$_\n" } @list;
	close $file or die $!;
	answer('postgres', "CREATE DATABASE $database");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-L', "$dump.list", '-d', $database, $dump ], "K9: $database restores");
	is(backend($database, $login), 'OK', "K9: $database: a password of before the dump is good after it");
}

$node->stop;
done_testing();
