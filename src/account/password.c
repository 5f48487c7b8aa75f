/*
 * password.c
 *		Passwords, hashed by pgcrypto.
 *
 * The extension works without pgcrypto, but then no user can have a password.
 * pgcrypto can be installed in any schema and moved to another, so its
 * functions are found through pg_depend.  Its owner need not be a superuser and
 * can add functions to the extension, so only functions of its library are
 * used.
 */
#include "account/password.h"

#include "catalog/pg_collation_d.h"
#include "catalog/pg_type_d.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/secret.h"
#include "core/statement.h"
#include "history/event.h"
#include "mb/pg_wchar.h"

PG_FUNCTION_INFO_V1(license_set_password);

#define MIN_CHARACTERS 8
#define MAX_BYTES 72			/* Blowfish ignores the rest */
#define COST 10					/* 2^10 rounds */

/* Dummy hash for unknown users, so that a failed login takes as long as a real one */
#define NO_HASH "$2a$10$w3Z8Rq1sNf7vXc5TbY6uPeJd9oKmHg2LiAa4SxWzEyQ0CtVnBrDkO"

static Statement password_function = STATEMENT(
	"SELECT p.oid::bigint AS function FROM pg_catalog.pg_extension e"
	" JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid"
	" AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'"
	" JOIN pg_catalog.pg_proc p ON p.oid = d.objid JOIN pg_catalog.pg_language l ON l.oid = p.prolang"
	" WHERE e.extname = 'pgcrypto' AND p.proname = $1 AND p.proargtypes = $2::oidvector"
	" AND p.prorettype = 'text'::regtype AND l.lanname = 'c' AND p.probin = '$libdir/pgcrypto'",
	TEXTOID, TEXTOID);

static Oid
pgcrypto_function(const char *name, Oid second_argument)
{
	char	   *arguments = psprintf("%u %u", TEXTOID, second_argument);

	if (RUN(password_function, arg_text(name), arg_text(arguments)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("extension pgcrypto is not installed in this database"),
				errdetail("Passwords are hashed by function %s() of pgcrypto.", name),
				errhint("CREATE EXTENSION pgcrypto, in any schema."));
	return (Oid) field_int64("function");
}

static char *
crypt_password(const char *password, const char *setting)
{
	text	   *hashed = cstring_to_text_with_len(password, strnlen(password, MAX_BYTES));
	Datum		hash = OidFunctionCall2Coll(pgcrypto_function("crypt", TEXTOID), DEFAULT_COLLATION_OID,
											PointerGetDatum(hashed), CStringGetTextDatum(setting));

	return TextDatumGetCString(hash);
}

/* Other libraries mark the same hash as 2b or 2y; pgcrypto knows it as 2a only. */
static char *
pgcrypto_setting(const char *hash)
{
	char	   *setting = pstrdup(hash);

	if (setting[2] == 'b' || setting[2] == 'y')
		setting[2] = 'a';
	return setting;
}

static bool
equals_in_constant_time(const char *a, const char *b)
{
	size_t		length = strlen(a);
	int			difference = 0;

	if (length != strlen(b))
		return false;
	for (size_t i = 0; i < length; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

bool
password_matches(const char *password, const char *hash)
{
	char	   *setting = pgcrypto_setting(hash != NULL ? hash : NO_HASH);
	bool		equal = equals_in_constant_time(crypt_password(password ? password : "", setting), setting);

	return equal && password != NULL && hash != NULL;
}

static void
check_strength(const char *password)
{
	if (pg_mbstrlen(password) < MIN_CHARACTERS)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("password must have at least %d characters", MIN_CHARACTERS));
	if (strlen(password) > MAX_BYTES)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("password must have at most %d bytes", MAX_BYTES),
				errdetail("What follows would not be looked at."));
}

static char *
hash_password(const char *password)
{
	Datum		salt = OidFunctionCall2(pgcrypto_function("gen_salt", INT4OID),
										CStringGetTextDatum("bf"), Int32GetDatum(COST));

	return crypt_password(password, TextDatumGetCString(salt));
}

static Statement password_set = STATEMENT(
	"UPDATE license.account_user SET password_hash = $3 WHERE account_id = $1 AND user_id = $2",
	INT8OID, INT8OID, TEXTOID);

/*
 * license.set_password(account_id, user_id, password)
 *		Stores the salted Blowfish hash of a password of at least 8 characters
 *		and at most 72 bytes.  The trigger on license.account_user checks
 *		permissions: a user named by license_ext.actor may set his own password.
 *		Errors: 22004, 22023 too short, too long or unknown user, 55000
 *		without pgcrypto, LX041.
 */
Datum
license_set_password(PG_FUNCTION_ARGS)
{
	int64		account_id;
	char	   *password;
	ErrorContextCallback secret;
	Operation	op;

	secret_begin(&secret);
	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "user_id");
	require_argument(fcinfo, 2, "password");
	account_id = PG_GETARG_INT64(0);
	password = text_argument(fcinfo, 2);
	check_strength(password);
	operation_begin(&op, fcinfo, OP_SET_PASSWORD, GetCurrentTransactionStartTimestamp());
	if (RUN(password_set, arg_int64(account_id), arg_passed(fcinfo, 1),
			arg_text(hash_password(password))) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("account " INT64_FORMAT " has no user " INT64_FORMAT, account_id, PG_GETARG_INT64(1)));
	operation_end(&op);
	secret_end(&secret);
	PG_RETURN_VOID();
}
