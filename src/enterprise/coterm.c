/*
 * coterm.c
 *		All counting licences of an account end on one date.
 *
 * The rule does not concern licences of a site, which has a date of its own.
 * Changed rows are checked after the whole statement, so that one statement may
 * move them all.  The account is locked before the licences are read with a
 * snapshot taken after the wait, so that of two concurrent transactions the
 * second sees the licences of the first.
 */
#include "core/extension.h"

#include "account/account_email.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "miscadmin.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(license_coterm_insert_trg);
PG_FUNCTION_INFO_V1(license_coterm_update_trg);
PG_FUNCTION_INFO_V1(license_coterm_days);

static Statement coterm_lock_accounts = STATEMENT(
	"SELECT account_id, email, email_override FROM license.account WHERE account_id = ANY ($1)"
	" ORDER BY account_id FOR NO KEY UPDATE",
	INT8ARRAYOID);

/* Locks accounts and checks that each has a role address, which accounts with counting licences need. */
static void
lock_accounts(Datum accounts)
{
	uint64		count = RUN(coterm_lock_accounts, arg_datum(accounts, false));
	SPITupleTable *rows = SPI_tuptable;
	int			email_column = SPI_fnumber(rows->tupdesc, "email");
	int			override_column = SPI_fnumber(rows->tupdesc, "email_override");

	for (uint64 i = 0; i < count; i++)
	{
		char	   *email = SPI_getvalue(rows->vals[i], rows->tupdesc, email_column);

		CHECK_FOR_INTERRUPTS();
		if (email != NULL)
			(void) account_email_check(email, SPI_getvalue(rows->vals[i], rows->tupdesc, override_column));
	}
}

static Statement coterm_conflict = STATEMENT(
	"SELECT l.account_id, pg_catalog.min(e.ends_at) AS earliest, pg_catalog.max(e.ends_at) AS latest"
	" FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" CROSS JOIN LATERAL (SELECT coalesce(l.ends_at, 'infinity') AS ends_at) e"
	" WHERE l.account_id = ANY ($1) AND l.site_id IS NULL AND o.family = 'COUNT'"
	" AND l.status IN ('in_use', 'access_denied')"
	" GROUP BY l.account_id HAVING pg_catalog.min(e.ends_at) <> pg_catalog.max(e.ends_at)"
	" ORDER BY l.account_id LIMIT 1",
	INT8ARRAYOID);

static void
check_accounts(Datum accounts)
{
	char	   *earliest;

	lock_accounts(accounts);
	if (RUN_LATEST(coterm_conflict, arg_datum(accounts, false)) == 0)
		return;
	earliest = pstrdup(timestamptz_to_str(field_time("earliest")));
	ereport(ERROR,
			errcode(ERRCODE_COTERM_VIOLATED),
			errmsg("all counting licences of account " INT64_FORMAT " must end on one date",
				   field_int64("account_id")),
			errdetail("One would end at %s, another at %s.",
					  earliest, timestamptz_to_str(field_time("latest"))),
			errhint("Use license.add_licenses() to buy more for the same date, "
					"license.renew_account() to move them all."));
}

static Statement coterm_inserted_accounts = STATEMENT(
	"SELECT pg_catalog.array_agg(DISTINCT n.account_id) AS account_ids FROM new_rows n"
	" JOIN license.offer o ON o.sku = n.sku WHERE o.family = 'COUNT' AND n.site_id IS NULL");

/*
 * license._coterm_insert_trg() → trigger
 *		After licences were inserted: the counting licences of each account end
 *		on one date, and the account has a role address.
 */
Datum
license_coterm_insert_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_coterm_insert_trg", TRIGGER_EVENT_AFTER,
											 ON_INSERT, 0, "license");
	NullableDatum accounts;
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the rows of the statement");
	RUN(coterm_inserted_accounts);
	accounts = field_value("account_ids");
	if (!accounts.isnull)
		check_accounts(accounts.value);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement coterm_updated_accounts = STATEMENT(
	"SELECT ARRAY[$1] AS account_ids FROM license.offer WHERE sku = $2 AND family = 'COUNT'",
	INT8OID, TEXTOID);

/*
 * license._coterm_update_trg() → trigger
 *		After a statement changed the end of a licence, or whether it is a
 *		counting licence: the same rules as for inserted licences.
 */
Datum
license_coterm_update_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_coterm_update_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "license");
	bool		isnull;
	Datum		account_id = trigger_column(trigger, trigger->tg_newtuple, "account_id", &isnull);
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	if (RUN(coterm_updated_accounts, arg_datum(account_id, false),
			arg_text(trigger_text(trigger, trigger->tg_newtuple, "sku"))) > 0)
		check_accounts(field_value("account_ids").value);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

/* Reads an array argument; returns the number of elements, none of which is NULL or negative. */
static int
int_elements(FunctionCallInfo fcinfo, int n, const char *name, const int32 **elements)
{
	ArrayType  *array;
	int			count;

	require_argument(fcinfo, n, name);
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (array_contains_nulls(array))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not contain NULL", name));
	count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	*elements = (const int32 *) ARR_DATA_PTR(array);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if ((*elements)[i] < 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must not contain a negative number", name));
	}
	return count;
}

/* floor(sum(quantity * days) / total), computed so that no sum overflows */
static int32
weighted_floor(const int32 *quantity, const int32 *days, int count, int64 total)
{
	int64		quotient = 0;
	int64		remainder = 0;

	for (int i = 0; i < count; i++)
	{
		int64		product = (int64) quantity[i] * days[i];

		CHECK_FOR_INTERRUPTS();
		quotient += product / total;
		remainder += product % total;
		if (remainder >= total)
		{
			remainder -= total;
			quotient++;
		}
	}
	return (int32) quotient;
}

/*
 * license.coterm_days(quantity int[], remaining_days int[]) → int
 *		Days left when licences with different ends are moved to one date; whole
 *		days, rounded down, so never more than was paid for.
 */
Datum
license_coterm_days(PG_FUNCTION_ARGS)
{
	const int32 *quantity;
	const int32 *days;
	int			count = int_elements(fcinfo, 0, "quantity", &quantity);
	int64		total = 0;

	if (int_elements(fcinfo, 1, "remaining_days", &days) != count)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("quantity and remaining_days must have the same number of elements"));
	for (int i = 0; i < count; i++)
		total += quantity[i];
	if (total == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there must be at least one licence"));
	PG_RETURN_INT32(weighted_floor(quantity, days, count, total));
}
