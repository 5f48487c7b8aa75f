/*
 * denial.c
 *		Denials: requests that were refused, recorded until they are purged.
 *		Their number depends on how often clients are refused.
 */
#include "history/denial.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"

PG_FUNCTION_INFO_V1(license_purge_denials);

static Statement denial_write_statement = STATEMENT(
	"INSERT INTO license.denial (account_id, at, code, license_id, pool, device_id, user_id, site_id, apartment_id)"
	" SELECT a.account_id, $2, $3, $4, $5, $6, $7, $8, $9 FROM license.account a WHERE a.account_id = $1",
	INT8OID, TIMESTAMPTZOID, TEXTOID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID);

void
denial_write(int64 account_id, TimestampTz at, const char *code, const Denial *denial)
{
	RUN(denial_write_statement, arg_int64(account_id), arg_time(at), arg_text(code),
		denial->license_id, arg_text(denial->pool ? plain_copy(denial->pool, MAX_DENIED_POOL) : NULL),
		denial->device_id, denial->user_id, denial->site_id, denial->apartment_id);
}

/* Deletes denials and writes their number to the history of each account. */
#define DENIAL_PURGE(where) \
	"WITH gone AS (DELETE FROM license.denial WHERE at < $1" where " RETURNING account_id)," \
	" purged AS (SELECT account_id, pg_catalog.count(*) AS denials FROM gone GROUP BY account_id)," \
	" noted AS (INSERT INTO license.event (account_id, at, actor, subject, subject_id, action, old)" \
	" SELECT account_id, $2, $3, 'account', account_id, 'purge_denials'," \
	" pg_catalog.jsonb_build_object('denials', denials, 'before', $1) FROM purged)" \
	" SELECT coalesce(pg_catalog.sum(denials), 0)::bigint AS denials FROM purged"

static Statement denial_purge_all = STATEMENT(
	DENIAL_PURGE(""),
	TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID);

static Statement denial_purge_account = STATEMENT(
	DENIAL_PURGE(" AND account_id = $4"),
	TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT8OID);

/*
 * license.purge_denials(before timestamptz, account_id bigint DEFAULT NULL) → bigint
 *		Deletes the denials before a moment, of one account or of all, and
 *		returns their number, which it also writes to the history of each
 *		account.
 *		Errors: 22004, 22023 infinite moment, 42501, 40001 above READ COMMITTED.
 */
Datum
license_purge_denials(PG_FUNCTION_ARGS)
{
	TimestampTz before;
	int64		purged;
	Operation	op;

	require_argument(fcinfo, 0, "before");
	before = PG_GETARG_TIMESTAMPTZ(0);
	if (TIMESTAMP_NOT_FINITE(before))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("before must be a finite moment"));
	operation_begin(&op, fcinfo, OP_PURGE_DENIALS, operation_at());
	if (PG_ARGISNULL(1))
		RUN(denial_purge_all, arg_time(before), arg_time(operation_at()), arg_text(operation_actor()));
	else
		RUN(denial_purge_account, arg_time(before), arg_time(operation_at()), arg_text(operation_actor()),
			arg_passed(fcinfo, 1));
	purged = field_int64("denials");
	operation_end(&op);
	PG_RETURN_INT64(purged);
}
