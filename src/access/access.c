/*
 * access.c
 *		Checks what levels may do: before every operation, and in the policies
 *		of row-level security.
 */
#include "access/access.h"

#include "access/access_levels.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(license_may);

static const struct
{
	const char *name;
	int			account_argument;
	int			levels;
}			functions[] = {
#define FUNCTION(name, account_argument, levels) {name, account_argument, levels},
#include "access/access.def"
#undef FUNCTION
};

static const struct
{
	const char *action;
	int			levels;
}			actions[] = {
#define READ(table, levels, columns) {"SELECT " table, levels},
#define WRITE(table, command, levels, columns) {command " " table, levels},
#define EXTENSION_WRITES(table)
#include "access/access_tables.def"
#undef READ
#undef WRITE
#undef EXTENSION_WRITES
};

int
access_levels_for(const char *action)
{
	for (int i = 0; i < lengthof(actions); i++)
	{
		if (strcmp(actions[i].action, action) == 0)
			return PROVIDER | actions[i].levels;
	}
	return PROVIDER;
}

bool
access_hides_account(Relation rel, int64 account_id)
{
	Oid			role = GetUserId();

	return check_enable_rls(RelationGetRelid(rel), role, true) == RLS_ENABLED &&
		!access_role_has(role, access_levels_for(psprintf("INSERT %s", RelationGetRelationName(rel))), account_id);
}

static void
refuse(const char *function, const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for function license.%s()", function),
			errdetail("%s", detail),
			errhint("A DBA grants levels with license.grant_access()."));
}

static int
find_function(const char *name)
{
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(functions[i].name, name) == 0)
			return i;
	}
	return -1;
}

static int
levels_for_call(FunctionCallInfo fcinfo, Oid caller, int account_argument)
{
	if (account_argument == CONFINES_ITSELF)
		return access_levels_anywhere(caller);
	if (account_argument == EXECUTE_DECIDES || PG_ARGISNULL(account_argument))
		return access_levels_of(caller, false, 0);
	return access_levels_of(caller, true, PG_GETARG_INT64(account_argument));
}

/* Only a function with an argument "at" lets its caller choose the moment. */
static bool
takes_moment(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		takes = false;
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			count;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	count = get_func_arg_info(tuple, &types, &names, &modes);
	for (int i = 0; i < count && names != NULL; i++)
		takes = takes || strcmp(names[i], "at") == 0;
	ReleaseSysCache(tuple);
	return takes;
}

void
access_check(FunctionCallInfo fcinfo, Oid caller, TimestampTz at)
{
	char	   *name = get_func_name(fcinfo->flinfo->fn_oid);
	int			function = find_function(name);
	int			found;

	if (function < 0)
		refuse(name, "Only the owner of the extension may call it.");
	found = levels_for_call(fcinfo, caller, functions[function].account_argument);
	/* PostgreSQL has checked EXECUTE, which a level or an explicit GRANT gives. */
	if (functions[function].account_argument != EXECUTE_DECIDES && (found & functions[function].levels) == 0)
		refuse(name, "The role has no level that allows it in this account.");
	if ((found & PROVIDER) == 0 && at != GetCurrentTransactionStartTimestamp() &&
		takes_moment(fcinfo->flinfo->fn_oid))
		refuse(name, "Only the provider may name a moment other than now().");
}

bool
access_role_has(Oid role, int wanted, int64 account_id)
{
	return superuser_arg(role) || (access_levels_of(role, true, account_id) & wanted) != 0;
}

bool
access_role_has_everywhere(Oid role, int wanted)
{
	return superuser_arg(role) || (access_levels_of(role, false, 0) & wanted) != 0;
}

bool
access_caller_may_in(FunctionCallInfo fcinfo, Oid caller, int64 account_id)
{
	int			function = find_function(get_func_name(fcinfo->flinfo->fn_oid));

	return function >= 0 && access_role_has(caller, functions[function].levels, account_id);
}

/* In a policy the action is a constant, whose levels are looked up once per statement. */
static int
action_levels(FunctionCallInfo fcinfo)
{
	int			wanted;

	if (fcinfo->flinfo->fn_extra != NULL)
		return *(int *) fcinfo->flinfo->fn_extra;
	wanted = access_levels_for(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (get_fn_expr_arg_stable(fcinfo->flinfo, 1))
	{
		fcinfo->flinfo->fn_extra = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(int));
		*(int *) fcinfo->flinfo->fn_extra = wanted;
	}
	return wanted;
}

/*
 * license._may(account_id bigint, action text) → boolean
 *		Decides the policies of row-level security: does the current role have,
 *		in that account or above it, a level that may do this?  Rows without an
 *		account need a level that is not confined to one.  Raises nothing.
 */
Datum
license_may(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();

	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(access_role_has_everywhere(role, action_levels(fcinfo)));
	PG_RETURN_BOOL(access_role_has(role, action_levels(fcinfo), PG_GETARG_INT64(0)));
}
