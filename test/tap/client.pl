# What client libraries send: keys as varchar, NULL for what is left out, binary COPY, and passwords and keys in statements
# that fail. Each as a role with the level that does it, in a session of its own.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use LicenseTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LicenseTest::new_node('client');
my $key = '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE';
my $code = '00000-00000-00000-00000-1117J';
my $log_seen = 0;

# The settings that a server has unless somebody changes them; that of PostgreSQL's own tests logs every statement.
$node->append_conf('postgresql.conf', "log_statement = 'none'\nlog_min_error_statement = 'error'\n");
$node->reload;

$node->safe_psql('postgres', <<SQL);
CREATE EXTENSION pgcrypto;
CREATE ROLE customer LOGIN; CREATE ROLE vendor LOGIN; CREATE ROLE backend LOGIN; CREATE ROLE mixed LOGIN;
INSERT INTO license.account (account_id, name, email) VALUES (100, 'Ours', 'it\@ours.example'), (101, 'Theirs', 'it\@theirs.example');
INSERT INTO license.account (account_id, parent_id, name, email) VALUES (102, 100, 'Below', 'it\@below.example');
INSERT INTO license.site (account_id, site_id, name) VALUES (100, 10, 'House');
INSERT INTO license.license (account_id, license_id, sku, key, term, modules) VALUES (100, 500, 'OCTOPUS', '$key', '1 year', '{guest}');
INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at) VALUES (100, 501, 'COUNT-ANNUAL', 'in_use', '1 year', now(), now() + interval '1 year');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (100, 501, 'device', 2);
INSERT INTO license.device (account_id, device_id, device_code) VALUES (100, 20, 'A');
INSERT INTO license.voucher (code, sku) VALUES ('$code', '9137958');
INSERT INTO license.account_user (account_id, user_id, email) VALUES (100, 40, 'ann\@ours.example'), (101, 41, 'bob\@theirs.example'), (102, 42, 'cid\@below.example');
SELECT license.set_password(account_id, user_id, 'correct horse') FROM license.account_user;
INSERT INTO license.account_user (account_id, user_id, email, password_hash) VALUES (100, 44, 'slow\@ours.example', crypt('correct horse', gen_salt('bf', 13)));
SELECT license.grant_access('customer', 'customer', 100), license.grant_access('vendor', 'provider'), license.grant_access('backend', 'service', 100),
    license.grant_access('mixed', 'service', 100), license.grant_access('mixed', 'reader', 101);
SQL

sub answer
{
	my ($role, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', $role ]);

	return $err =~ /ERROR:  (\w{5})/ ? $1 : $out;
}

# What the server has logged since the last call
sub logged
{
	my $log = slurp_file($node->logfile, $log_seen);

	$log_seen = -s $node->logfile;
	return $log;
}

# Level customer: keys
foreach my $type (qw(varchar text bpchar unknown))
{
	is(answer('customer', "PREPARE send (bigint, bigint, $type) AS SELECT license.provision(\$1, \$2, \$3); BEGIN; EXECUTE send(100, 10, '$key'); ROLLBACK"),
		'pending_start', "K8: provision takes a key as a parameter of type $type");
	is(answer('customer', "PREPARE send (bigint, bigint, $type) AS SELECT license.provision(\$1, \$2, \$3); EXECUTE send(100, 10, 'no key')"),
		'LX004', "K8: provision raises LX004 for a malformed key of type $type");
	is(answer('customer', "PREPARE redeem (bigint, bigint, $type) AS SELECT action FROM license.redeem_voucher(\$1, \$2, \$3); BEGIN; EXECUTE redeem(100, 10, '$code'); ROLLBACK"),
		'added', "K8: redeem_voucher takes a code as a parameter of type $type");
	is(answer('customer', "PREPARE ask ($type) AS SELECT code FROM license.validate(\$1); EXECUTE ask('$key')"),
		'PENDING_PROVISION', "K8: validate takes a key as a parameter of type $type");
	is(answer('customer', "PREPARE ask ($type) AS SELECT license.is_valid_key(\$1); EXECUTE ask('$key')"), 't', "K8: is_valid_key takes a key as a parameter of type $type");
}
is(answer('customer', "SELECT license.provision(100, 10, key) FROM license.license WHERE license_id = 500"), 'pending_start', 'K8: provision takes a key of type license_key');
is( $node->safe_psql('postgres', <<'SQL'), '', 'K8: no function takes an argument of type license_key but those of the type itself');
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'license'::regnamespace AND proname NOT LIKE 'license\_key\_%'
    AND 'license.license_key'::regtype = ANY (proargtypes)
SQL

# Lookups by key, below row-level policies, of clients that know nothing of schema license
my $explain = "SET search_path = public; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan;";
my $lower = lc $key;
foreach my $lookup ([ 'customer', 'license.license', 'key', 'license_key_text_idx' ], [ 'vendor', 'license.voucher', 'code', 'voucher_code_text_idx' ])
{
	my ($role, $table, $column, $index) = @$lookup;
	my %where = (
		"$column = '...'" => "EXPLAIN SELECT * FROM $table WHERE $column = '$key'",
		"$column = '...'::license.license_key" => "EXPLAIN SELECT * FROM $table WHERE $column = '$key'::license.license_key",
		"$column IN (...)" => "EXPLAIN SELECT * FROM $table WHERE $column IN ('$key', '$code')",
		"a join" => "EXPLAIN SELECT * FROM (VALUES ('$key'), ('$code')) v (k) JOIN $table ON $column = k",
		map { ("$column = \$1 of type $_" => "PREPARE p ($_) AS SELECT * FROM $table WHERE $column = \$1; EXPLAIN EXECUTE p ('$key')") }
		  qw(text varchar unknown license.license_key));

	foreach my $how (sort keys %where)
	{
		like(answer($role, "$explain $where{$how}"), qr/Index Scan.* $index\b/, "K5: without schema license on the search_path, $how uses an index of $table");
	}
}
is(answer('customer', "SET search_path = public; SELECT license_id FROM license.license WHERE key = '$key'"), '500', 'K5: a key is found without schema license on the search_path');
is(answer('customer', "SET search_path = public; SELECT license_id FROM license.license WHERE key = '$lower'::license.license_key"), '500', 'K5: a key in lower case is found where the type is known');
is(answer('customer', "SET search_path = license; SELECT license_id FROM license WHERE key = '$lower'"), '500', 'K5: a key in lower case is found with schema license on the search_path');
is( $node->safe_psql('postgres', <<SQL), '1|1', 'K5: ON CONFLICT (key) meets no other unique index');
INSERT INTO license.license (account_id, sku, key, term, modules) VALUES (101, 'OCTOPUS', '$key', '1 year', '{guest}') ON CONFLICT (key) DO NOTHING;
SELECT count(*), (SELECT count(*) FROM pg_index i JOIN pg_attribute a ON attrelid = indrelid AND attname = 'key'
    WHERE indrelid = 'license.license'::regclass AND indisunique AND (attnum = ANY (indkey) OR pg_get_indexdef(indexrelid) LIKE '%key)::text%'))
FROM license.license WHERE key = '$key';
SQL

# A moment that is NULL is the plain now() that every level may pass.
is(answer('backend', "SELECT code FROM license.acquire_seat(100, 501, 'device', device_id => 20, at => NULL)"), 'GRANTED', 'K12: level service may pass NULL for the moment');
is(answer('backend', "SELECT code FROM license.acquire_seat(100, 501, 'device', device_id => 20, at => now() - interval '1 minute')"), '42501', 'K12: level service may pass no other moment than now()');

# Binary COPY of text where a key belongs
my $copy = $node->basedir . '/text.copy';
$node->safe_psql('postgres', "CREATE TABLE public.keys (key license.license_key); COPY (SELECT '0123456789abcdef'::text) TO '$copy' (FORMAT binary)");
is(answer('postgres', "COPY public.keys FROM '$copy' (FORMAT binary)"), '22P03', 'K12: binary COPY of 16 bytes that are no key raises 22P03');

# Level service, confined to account 100
sub login
{
	my ($role, $account, $user, $more) = @_;

	return answer($role, "SELECT code FROM license.login('it\@$account.example', '$user\@$account.example', 'correct horse', 'PHONE'$more)");
}
is(login('backend', 'ours', 'ann', ''), 'OK', 'S9: a service logs in a user of its account');
is(login('backend', 'below', 'cid', ''), 'OK', 'S9: a service logs in a user of an account below its own');
is(login('backend', 'theirs', 'bob', ''), 'INVALID_CREDENTIALS', 'S9: a service logs in no user of another account');
is(login('mixed', 'theirs', 'bob', ''), 'INVALID_CREDENTIALS', 'S9: another level in an account is no level for logging its users in');
is(login('mixed', 'ours', 'ann', ''), 'OK', 'S9: a role with several levels logs in where one of them is service');
is(login('postgres', 'theirs', 'bob', ''), 'OK', 'S9: the superuser logs in everybody');
is($node->safe_psql('postgres', 'SELECT count(*) FROM license.denial WHERE account_id = 101'), '0', 'S9: a login that is refused for the account leaves no denial there');
is($node->safe_psql('postgres', 'SELECT count(*) FROM license.session WHERE account_id = 101'), '1', 'S9: a login that is refused for the account leaves no session there');

sub milliseconds
{
	my ($account, $user) = @_;
	my @times;

	foreach (1 .. 9)
	{
		my ($status, $out) = $node->psql('postgres', "\\timing on\nSELECT FROM license.login('$account', '$user', 'wrong horse')", extra_params => [ '-U', 'backend' ]);
		push @times, $out =~ /Time: ([\d.]+)/;
	}
	return (sort { $a <=> $b } @times)[4];
}
my ($own, $foreign, $unknown) = (milliseconds('it@ours.example', 'ann@ours.example'), milliseconds('it@theirs.example', 'bob@theirs.example'), milliseconds('it@no.example', 'no@no.example'));
note("median of nine logins with a wrong password: own account $own ms, foreign $foreign ms, unknown $unknown ms");

# Whatever fails, its statement is not in the server log with the password or key in it.
logged();
is(login('backend', 'ours', 'ann', ", channel => 'web'"), 'OK', 'N4: login with an unknown channel is answered');
is(answer('backend', "SET statement_timeout = '200ms'; SELECT license.login('it\@ours.example', 'slow\@ours.example', 'correct horse')"), '57014',
	'N4: login can be canceled while it hashes a password');
is(answer('backend', "SELECT license.login('it\@ours.example', 'ann\@ours.example', 'correct horse', at => '2020-01-01')"), '42501', 'N4: login with a moment is refused to level service');
is(answer('postgres', "SELECT license.login('it\@ours.example', 'ann\@ours.example', 'correct horse', at => 'infinity')"), '22023', 'N4: login at infinity is refused');
is(answer('customer', "SELECT license.set_password(100, 40, 'horse')"), '22023', 'N4: a short password is refused');
is(answer('customer', "SELECT license.set_password(100, 49, 'correct horse')"), '22023', 'N4: a password of an unknown user is refused');
is(answer('customer', "SELECT license.set_password(101, 41, 'correct horse')"), '42501', 'N4: a password of a foreign user is refused');
is(answer('customer', "SELECT license.provision(100, 10, '$code')"), 'LX005', 'N4: an unknown key is refused');
is(answer('customer', "SELECT license.provision(100, 11, '$key')"), '23503', 'N4: a key at an unknown site is refused');
is(answer('customer', "SELECT * FROM license.redeem_voucher(100, 10, '$key')"), 'LX020', 'N4: an unknown voucher is refused');
is(answer('customer', "SELECT * FROM license.redeem_voucher(100, 11, '$code')"), '23503', 'N4: a voucher at an unknown site is refused');
is(answer('postgres', "SELECT license.cancel_voucher('$key', 'lost')"), 'LX020', 'N4: an unknown voucher cannot be cancelled');
my $log = logged();
like($log, qr/ERROR: /, 'N4: the errors are in the server log');
unlike($log, qr/horse/, 'N4: no password is in the server log');
unlike($log, qr/$key|$code/, 'N4: no key or voucher code is in the server log');
answer('customer', "SELECT 1/0 AS after_login");
like(logged(), qr/after_login/, 'N4: the statement of another error is still in the server log');
is(answer('backend', "SELECT license.login('it\@ours.example', 'ann\@ours.example', 'wrong') \\g /dev/null\nSELECT 1/0 AS same_session"), '22012', 'N4: a login is followed by an error in the same session');
like(logged(), qr/same_session/, 'N4: after a login the statements of the session are logged as before');

$node->stop;
done_testing();
