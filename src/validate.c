/*
 * validate.c
 *		Does a key give service?  The question every device asks.
 */
#include "license_ext.h"

#include "catalog/pg_type.h"
#include "license_key.h"
#include "license_status.h"
#include "operation.h"
#include "plans.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(license_validate);

typedef struct Answer
{
	bool		valid;
	const char *code;
	const char *detail;
} Answer;

/* In the order in which they are given: the first that applies */
static const Answer key_malformed = {false, "KEY_MALFORMED", "The text is not a licence key, or was mistyped."};
static const Answer not_found = {false, "NOT_FOUND", "No licence has this key."};
static const Answer pending_provision = {false, "PENDING_PROVISION", "The key has not been sent at a site yet."};
static const Answer access_denied = {false, "ACCESS_DENIED", "Access is denied; the licence tells the reason."};
static const Answer contract_finalized = {false, "CONTRACT_FINALIZED", "The contract has been finalized."};
static const Answer expired = {false, "EXPIRED", "The contract has ended."};
static const Answer not_yet_valid = {false, "NOT_YET_VALID", "The contract has not started yet."};
static const Answer module_not_included = {false, "MODULE_NOT_INCLUDED", "The licence does not include this module."};
static const Answer device_unknown = {false, "DEVICE_UNKNOWN", "The organization has no device with this code."};
static const Answer device_without_seat = {false, "DEVICE_WITHOUT_SEAT", "The device holds no seat of this licence."};
static const Answer pending_start = {true, "PENDING_START", "The contract starts once enough devices have connected."};
static const Answer valid = {true, "VALID", "The licence gives service."};

typedef enum ResultColumn
{
	RESULT_VALID, RESULT_CODE, RESULT_DETAIL, RESULT_ACCOUNT_ID, RESULT_LICENSE_ID,
	RESULT_STATUS, RESULT_STARTS_AT, RESULT_ENDS_AT, RESULT_WARNINGS, RESULT_COLUMNS
} ResultColumn;

typedef struct Findings
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS];
	bool		expiring_soon;
	bool		pool_full;
} Findings;

static void
put(Findings *found, ResultColumn column, NullableDatum value)
{
	found->values[column] = value.value;
	found->nulls[column] = value.isnull;
}

static bool
read_key(FunctionCallInfo fcinfo, char *canonical)
{
	LicenseKey	key;
	const char *problem;
	text	   *candidate;

	if (PG_ARGISNULL(0))
		return false;
	candidate = PG_GETARG_TEXT_PP(0);
	if (!license_key_parse(VARDATA_ANY(candidate), VARSIZE_ANY_EXHDR(candidate), &key, &problem))
		return false;
	license_key_format(&key, canonical);
	return true;
}

static const Answer *
answer_for_device(FunctionCallInfo fcinfo, int64 account_id, int64 license_id, TimestampTz at)
{
	if (RUN(validate_device, arg_int64(account_id), arg_int64(license_id),
			arg_passed(fcinfo, 1), arg_time(at)) == 0)
		return &device_unknown;
	return got_null(1) || !got_bool(1) ? &device_without_seat : NULL;
}

/* What status and period of the licence say; NULL when they stand in nobody's way */
static const Answer *
answer_for_period(TimestampTz at)
{
	char	   *status = got_text(3);

	if (strcmp(status, PENDING_PROVISION) == 0)
		return &pending_provision;
	if (strcmp(status, ACCESS_DENIED) == 0)
		return &access_denied;
	if (strcmp(status, CONTRACT_FINALIZED) == 0)
		return &contract_finalized;
	if (!got_null(5) && got_time(5) <= at)
		return &expired;
	if (!got_null(4) && got_time(4) > at)
		return &not_yet_valid;
	return NULL;
}

static Datum
warnings(const Findings *found)
{
	Datum		words[2];
	int			count = 0;

	if (found->expiring_soon)
		words[count++] = CStringGetTextDatum("EXPIRING_SOON");
	if (found->pool_full)
		words[count++] = CStringGetTextDatum("POOL_FULL");
	return PointerGetDatum(construct_array(words, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
put_license(Findings *found)
{
	for (int i = RESULT_ACCOUNT_ID; i <= RESULT_ENDS_AT; i++)
		found->values[i] = got_datum_to_keep(i - RESULT_ACCOUNT_ID + 1, &found->nulls[i]);
}

/* The licence is found in one statement; only a named device takes a second. */
static const Answer *
judge(FunctionCallInfo fcinfo, const char *key, TimestampTz at, Findings *found)
{
	const Answer *answer;
	bool		pending;
	bool		expiring_soon;
	bool		pool_full;

	if (RUN(validate_license, arg_text(key), arg_passed(fcinfo, 2), arg_time(at)) == 0)
		return &not_found;
	put_license(found);
	answer = answer_for_period(at);
	if (answer == NULL && !got_bool(6))
		answer = &module_not_included;
	pending = got_null(4);
	expiring_soon = got_bool(7);
	pool_full = got_bool(8);
	if (answer == NULL && !PG_ARGISNULL(1))
		answer = answer_for_device(fcinfo, DatumGetInt64(found->values[RESULT_ACCOUNT_ID]),
								   DatumGetInt64(found->values[RESULT_LICENSE_ID]), at);
	if (answer != NULL)
		return answer;
	found->expiring_soon = expiring_soon;
	found->pool_full = pool_full;
	return pending ? &pending_start : &valid;
}

/*
 * license.validate(key, device_code, module, at) → (valid, code, detail, ...)
 *		Whether a key gives service at a moment, to a device and for a module
 *		where named.  Writes nothing, works on a standby, raises for no text.
 *		Warnings come with a valid answer.  O36.
 */
Datum
license_validate(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(3);
	Findings		found = {.nulls = {true, true, true, true, true, true, true, true, true}};
	const Answer *answer = &key_malformed;
	char		canonical[LICENSE_KEY_TEXT_SIZE];
	Operation	op;

	if (read_key(fcinfo, canonical))
	{
		operation_begin(&op, fcinfo, "validate", at);
		answer = judge(fcinfo, canonical, at, &found);
		operation_end(&op);
	}
	put(&found, RESULT_VALID, arg_bool(answer->valid));
	put(&found, RESULT_CODE, arg_text(answer->code));
	put(&found, RESULT_DETAIL, arg_text(answer->detail));
	put(&found, RESULT_WARNINGS, arg_datum(warnings(&found), false));
	return form_result_row(fcinfo, found.values, found.nulls);
}
