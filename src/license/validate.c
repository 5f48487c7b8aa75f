/*
 * validate.c
 *		Does a key give service?
 */
#include "core/extension.h"

#include "access/access.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "funcapi.h"
#include "license/license_key.h"
#include "license/license_lookup.h"
#include "license/license_status.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(license_validate);

typedef struct Answer
{
	bool		valid;
	const char *code;
	const char *detail;
} Answer;

/* In the order in which they are considered: the first that applies is given. */
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

static const struct
{
	const char *name;
	Oid			type;
}			columns[] = {
	{"valid", BOOLOID}, {"code", TEXTOID}, {"detail", TEXTOID}, {"account_id", INT8OID},
	{"license_id", INT8OID}, {"status", TEXTOID}, {"starts_at", TIMESTAMPTZOID},
	{"ends_at", TIMESTAMPTZOID}, {"warnings", TEXTARRAYOID},
};

/* All types are the server's own, so the row type is made once a session. */
static TupleDesc
result_type(void)
{
	static TupleDesc result = NULL;
	MemoryContext caller;
	TupleDesc	desc;

	if (result != NULL)
		return result;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	desc = CreateTemplateTupleDesc(lengthof(columns));
	for (int i = 0; i < lengthof(columns); i++)
		TupleDescInitEntry(desc, i + 1, columns[i].name, columns[i].type, -1, 0);
	result = BlessTupleDesc(desc);
	MemoryContextSwitchTo(caller);
	return result;
}

static bool
read_key(FunctionCallInfo fcinfo, LicenseKey *key)
{
	const char *problem;
	text	   *candidate;

	if (PG_ARGISNULL(0))
		return false;
	candidate = PG_GETARG_TEXT_PP(0);
	return license_key_parse(VARDATA_ANY(candidate), VARSIZE_ANY_EXHDR(candidate), key, &problem);
}

static Statement validate_device = STATEMENT(
	"SELECT CASE WHEN p.of_devices THEN EXISTS (SELECT FROM license.seat s WHERE s.account_id = $1"
	" AND s.license_id = $2 AND s.device_id = d.device_id AND (s.expires_at IS NULL OR s.expires_at > $4))"
	" WHEN p.of_users THEN EXISTS (SELECT FROM license.seat s WHERE s.account_id = $1"
	" AND s.license_id = $2 AND s.user_id = d.user_id AND (s.expires_at IS NULL OR s.expires_at > $4))"
	" ELSE (d.site_id = l.site_id OR EXISTS (SELECT FROM license.seat s WHERE s.account_id = $1"
	" AND s.license_id = $2 AND s.site_id = d.site_id AND (s.expires_at IS NULL OR s.expires_at > $4)))"
	" AND (NOT p.of_apartments OR d.seats = 0 OR d.apartment_id IS NOT NULL"
	" OR EXISTS (SELECT FROM license.account_user u WHERE u.account_id = $1 AND u.user_id = d.user_id"
	" AND u.apartment_id IS NOT NULL)) END AS has_seat"
	" FROM license.device d JOIN license.license l ON l.account_id = d.account_id AND l.license_id = $2"
	" CROSS JOIN LATERAL (SELECT coalesce(bool_or(q.pool IN ('device', 'floating_device')), false) AS of_devices,"
	" coalesce(bool_or(q.pool = 'user'), false) AS of_users,"
	" coalesce(bool_or(q.pool = 'apartment'), false) AS of_apartments"
	" FROM license.license_pool q WHERE q.account_id = $1 AND q.license_id = $2) p"
	" WHERE d.account_id = $1 AND d.device_code = $3",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/* NULL: the device has a seat */
static const Answer *
answer_for_device(FunctionCallInfo fcinfo, const FoundLicense *license, TimestampTz at)
{
	NullableDatum has_seat;

	if (RUN(validate_device, arg_int64(license->account_id), arg_int64(license->license_id),
			arg_passed(fcinfo, 1), arg_time(at)) == 0)
		return &device_unknown;
	has_seat = field_value("has_seat");
	return has_seat.isnull || !DatumGetBool(has_seat.value) ? &device_without_seat : NULL;
}

static bool
is_status(const FoundLicense *license, const char *status)
{
	return VARSIZE_ANY_EXHDR(license->status) == strlen(status) &&
		memcmp(VARDATA_ANY(license->status), status, strlen(status)) == 0;
}

/* The first answer that applies; NULL: nothing stands in the way */
static const Answer *
answer_for_license(const FoundLicense *license, TimestampTz at)
{
	if (is_status(license, PENDING_PROVISION))
		return &pending_provision;
	if (is_status(license, ACCESS_DENIED))
		return &access_denied;
	if (is_status(license, CONTRACT_FINALIZED))
		return &contract_finalized;
	if (license->has_end && license->ends_at <= at)
		return &expired;
	if (license->has_start && license->starts_at > at)
		return &not_yet_valid;
	return license->has_module ? NULL : &module_not_included;
}

static const Answer *
judge(FunctionCallInfo fcinfo, const FoundLicense *license, TimestampTz at)
{
	const Answer *answer = answer_for_license(license, at);

	if (answer == NULL && !PG_ARGISNULL(1))
		answer = answer_for_device(fcinfo, license, at);
	if (answer != NULL)
		return answer;
	return license->has_start ? &valid : &pending_start;
}

static Datum
warnings(bool expiring_soon, bool pool_full)
{
	Datum		words[2];
	int			count = 0;

	if (expiring_soon)
		words[count++] = CStringGetTextDatum("EXPIRING_SOON");
	if (pool_full)
		words[count++] = CStringGetTextDatum("POOL_FULL");
	return PointerGetDatum(construct_array(words, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
form_answer(const Answer *answer, const FoundLicense *license, bool expiring_soon)
{
	bool		nulls[lengthof(columns)] = {false};
	Datum		values[lengthof(columns)];

	values[0] = BoolGetDatum(answer->valid);
	values[1] = CStringGetTextDatum(answer->code);
	values[2] = CStringGetTextDatum(answer->detail);
	values[3] = Int64GetDatum(license ? license->account_id : 0);
	values[4] = Int64GetDatum(license ? license->license_id : 0);
	values[5] = PointerGetDatum(license ? license->status : NULL);
	values[6] = TimestampTzGetDatum(license ? license->starts_at : 0);
	values[7] = TimestampTzGetDatum(license ? license->ends_at : 0);
	values[8] = warnings(expiring_soon, answer->valid && license->pool_full);
	nulls[3] = nulls[4] = nulls[5] = license == NULL;
	nulls[6] = license == NULL || !license->has_start;
	nulls[7] = license == NULL || !license->has_end;
	return HeapTupleGetDatum(heap_form_tuple(result_type(), values, nulls));
}

/* False if no licence has the key, or one of an account that the caller may not see */
static bool
find_license(FunctionCallInfo fcinfo, const Operation *op, const LicenseKey *key, FoundLicense *license)
{
	const text *module = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);

	return license_lookup(key, module, license) &&
		(op->caller == op->owner || access_caller_may_in(fcinfo, op->caller, license->account_id));
}

/*
 * license.validate(key, device_code, module, at) → (valid, code, detail, ...)
 *		Tells whether a key gives service at a moment, to a device and for a
 *		module if they are named.  Writes nothing and works on a standby.  No
 *		text raises an error.  A valid answer may come with warnings.
 *		Errors: 42501 from the caller's level.
 */
Datum
license_validate(PG_FUNCTION_ARGS)
{
	TimestampTz at = moment_argument(fcinfo, 3);
	MemoryContext caller = CurrentMemoryContext;
	const Answer *answer = &key_malformed;
	bool		expiring_soon = false;
	bool		found = false;
	FoundLicense license;
	LicenseKey	key;
	Operation	op;
	Datum		result;

	operation_begin(&op, fcinfo, OP_VALIDATE, at);
	if (read_key(fcinfo, &key))
	{
		found = find_license(fcinfo, &op, &key, &license);
		answer = found ? judge(fcinfo, &license, at) : &not_found;
		expiring_soon = answer->valid && license_expires_soon(&license, at);
	}
	MemoryContextSwitchTo(caller);
	result = form_answer(answer, found ? &license : NULL, expiring_soon);
	operation_end(&op);
	return result;
}
