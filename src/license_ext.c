/*
 * license_ext.c
 *		Library start: settings. And the argument helpers every file uses.
 */
#include "license_ext.h"

#include "access.h"
#include "access/xact.h"
#include "funcapi.h"
#include "license_lookup.h"
#include "operation.h"
#include "text_limit.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "version.h"

PG_MODULE_MAGIC_EXT(.name = "license_ext", .version = LICENSE_EXT_VERSION);

int			node_id = 0;
char	   *actor_setting = NULL;
int			claim_timeout = 300;
int			email_rule = EMAIL_RULE_ENFORCE;

static const struct config_enum_entry email_rules[] = {
	{"enforce", EMAIL_RULE_ENFORCE, false},
	{"warn", EMAIL_RULE_WARN, false},
	{NULL, 0, false}
};

void		_PG_init(void);

/* The name of an actor goes into every event. */
static bool
check_actor(char **name, void **extra, GucSource source)
{
	if (*name == NULL || **name == '\0' || is_plain_text(*name, strlen(*name), MAX_ACTOR, false))
		return true;
	GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	GUC_check_errmsg("invalid value for parameter \"license_ext.actor\"");
	GUC_check_errdetail("A name has at most %d characters, not only spaces, and none of them is a control or invisible character.",
						MAX_ACTOR);
	return false;
}

static void
define_settings(void)
{
	DefineCustomStringVariable("license_ext.actor",
							   "Who is named in the history.",
							   "Empty means the session's role.",
							   &actor_setting, "", PGC_USERSET, 0,
							   check_actor, NULL, NULL);
	DefineCustomIntVariable("license_ext.claim_timeout",
							"How long a claimed notice may stay unacknowledged before it is handed out again.",
							NULL,
							&claim_timeout, 300, 1, 86400, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("license_ext.email_rule",
							 "Whether an enterprise account's e-mail must be a role address of the company, or should be.",
							 "enforce refuses another one, warn accepts and records it.",
							 &email_rule, EMAIL_RULE_ENFORCE, email_rules, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("license_ext.node_id",
							"The high bits of every id generated on this server.",
							"Servers whose rows may meet must have different values.",
							&node_id, 0, 0, 32767, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("license_ext");
}

void
_PG_init(void)
{
	define_settings();
	license_lookup_init();
	operation_init();
	access_init();
}

void
require_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be NULL", name));
}

TimestampTz
moment_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(n);
}

char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The row type of the OUT columns; in FROM the executor has made it from the catalog already. */
static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TupleDesc	desc;

	if (result != NULL && IsA(result, ReturnSetInfo) && result->expectedDesc != NULL)
		return result->expectedDesc;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return desc;
}

Datum
form_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result_type(fcinfo)), values, nulls));
}
