/*
 * license_data.c
 *		What there is to read about one licence.
 */
#include "license_ext.h"

#include "license.h"
#include "operation.h"
#include "plans.h"

PG_FUNCTION_INFO_V1(license_license_document);
PG_FUNCTION_INFO_V1(license_license_data);

static Datum
read_license(FunctionCallInfo fcinfo, const char *name, PlanId plan)
{
	NullableDatum args[2];
	Operation	op;
	Datum		answer;
	bool		isnull;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "license_id");
	args[0] = arg_passed(fcinfo, 0);
	args[1] = arg_passed(fcinfo, 1);
	operation_begin(&op, fcinfo, name, GetCurrentTransactionStartTimestamp());
	if (plan_run(plan, args, lengthof(args)) == 0)
		license_not_found(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	answer = got_datum_to_keep(1, &isnull);
	operation_end(&op);
	return answer;
}

/*
 * license.license_document(account_id, license_id) → jsonb
 *		The content of the document handed to the customer: location, type of
 *		licence (basis, quantity, modules, years, payment) and key.  O10.
 *		Errors: LX005, 22004.
 */
Datum
license_license_document(PG_FUNCTION_ARGS)
{
	return read_license(fcinfo, "license_document", PLAN_license_document);
}

/*
 * license.license_data(account_id, license_id) → jsonb
 *		General data, modules, upgrades, notifications and assignments of a
 *		licence.  O30, O31, O32, O34, O35, O36.
 *		Errors: LX005, 22004.
 */
Datum
license_license_data(PG_FUNCTION_ARGS)
{
	return read_license(fcinfo, "license_data", PLAN_license_data);
}
