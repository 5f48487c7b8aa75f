/*
 * access.c
 *		Who is asking: the grants of a role, the accounts below a grant, and
 *		the policy function of row-level security.
 *
 * Grants and subtrees hardly ever change and are asked for on every call, so
 * a backend remembers both.  A trigger on license.access and license.account
 * makes every backend forget.
 */
#include "license_ext.h"

#include "access.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "operation.h"
#include "plans.h"
#include "trigger_util.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(license_sees);
PG_FUNCTION_INFO_V1(license_access_trg);

/* Remembered answers are dropped together when there are this many. */
#define MAX_REMEMBERED 10000

typedef struct Grant
{
	int			level;
	bool		confined;
	int64		account_id;		/* top of the subtree, when confined */
} Grant;

/* Is account within the subtree of top? */
typedef struct Subtree
{
	int64		top;
	int64		account_id;		/* key: both, no padding */
	bool		within;
} Subtree;

static const struct
{
	const char *name;
	int			account_argument;
	int			levels;
}			functions[] = {
#define FUNCTION(name, account_argument, levels) {name, account_argument, levels},
#include "access.def"
#undef FUNCTION
};

static const struct
{
	const char *name;
	int			level;
}			levels[] = {
	{"provider", PROVIDER},
	{"distributor", DISTRIBUTOR},
	{"partner", PARTNER},
	{"customer", CUSTOMER},
	{"reader", READER},
	{"service", SERVICE},
};

static Oid	grantee = InvalidOid;	/* whose grants are remembered */
static Grant *grants = NULL;
static int	ngrants = 0;
static HTAB *subtrees = NULL;
static Oid	access_relation = InvalidOid;	/* no catalog may be read in a callback */

static void
forget(void)
{
	grantee = InvalidOid;
	if (subtrees != NULL)
		hash_destroy(subtrees);
	subtrees = NULL;
}

static void
forget_on_relation(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == access_relation)
		forget();
}

static void
forget_on_membership(Datum arg, int cacheid, uint32 hashvalue)
{
	forget();
}

/* What an aborted transaction had seen of its own changes was never true. */
static void
forget_on_abort(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		forget();
}

static void
forget_on_subabort(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget();
}

void
access_init(void)
{
	CacheRegisterRelcacheCallback(forget_on_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, forget_on_membership, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_on_membership, (Datum) 0);
	RegisterXactCallback(forget_on_abort, NULL);
	RegisterSubXactCallback(forget_on_subabort, NULL);
}

int
access_level(const char *name)
{
	for (int i = 0; i < lengthof(levels); i++)
	{
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	}
	return 0;
}

static void
remember_grant(HeapTuple row, TupleDesc desc, Oid caller)
{
	bool		isnull;
	Oid			role = get_role_oid(SPI_getvalue(row, desc, 1), true);
	Grant	   *grant = &grants[ngrants];

	if (!OidIsValid(role) || !has_privs_of_role(caller, role))
		return;
	grant->level = access_level(SPI_getvalue(row, desc, 2));
	grant->account_id = DatumGetInt64(SPI_getbinval(row, desc, 3, &isnull));
	grant->confined = !isnull;
	ngrants++;
}

static Oid
access_relid(void)
{
	return get_relname_relid("access", get_namespace_oid("license", false));
}

/* A role has the grants of every role it is a member of. */
static void
load_grants(Oid caller)
{
	uint64		rows;

	if (grantee == caller)
		return;
	access_relation = access_relid();
	rows = RUN0(access_grants);
	if (grants != NULL)
		pfree(grants);
	grants = MemoryContextAlloc(TopMemoryContext, sizeof(Grant) * Max(rows, 1));
	ngrants = 0;
	for (uint64 i = 0; i < rows; i++)
		remember_grant(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, caller);
	grantee = caller;
}

static Subtree *
subtree_entry(int64 top, int64 account_id, bool *found)
{
	int64		key[2] = {top, account_id};
	HASHCTL		control = {.keysize = sizeof(key), .entrysize = sizeof(Subtree)};

	if (subtrees != NULL && hash_get_num_entries(subtrees) >= MAX_REMEMBERED)
	{
		hash_destroy(subtrees);
		subtrees = NULL;
	}
	if (subtrees == NULL)
		subtrees = hash_create("license_ext subtrees", 256, &control, HASH_ELEM | HASH_BLOBS);
	return hash_search(subtrees, key, HASH_ENTER, found);
}

static bool
is_within(int64 top, int64 account_id)
{
	int64		key[2] = {top, account_id};
	Subtree    *entry;
	bool		found;
	bool		within;

	if (top == account_id)
		return true;
	entry = subtrees == NULL ? NULL : hash_search(subtrees, key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->within;
	/* An account that does not exist yet may be created anywhere. */
	if (RUN(account_is_within, arg_int64(account_id), arg_int64(top)) == 0)
		return false;
	within = got_bool(1);
	subtree_entry(top, account_id, &found)->within = within;
	return within;
}

/* The levels the caller has in an account; without one, those not confined to any */
static int
caller_levels(Oid caller, bool has_account, int64 account_id)
{
	int			found = 0;

	load_grants(caller);
	for (int i = 0; i < ngrants; i++)
	{
		if (!grants[i].confined || (has_account && is_within(grants[i].account_id, account_id)))
			found |= grants[i].level;
	}
	return found;
}

/* The levels of all grants, wherever they hold */
static int
levels_anywhere(Oid caller)
{
	int			found = 0;

	load_grants(caller);
	for (int i = 0; i < ngrants; i++)
		found |= grants[i].level;
	return found;
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
	if (account_argument == NO_ACCOUNT)
		return levels_anywhere(caller);
	if (account_argument == UNCONFINED || PG_ARGISNULL(account_argument))
		return caller_levels(caller, false, 0);
	return caller_levels(caller, true, PG_GETARG_INT64(account_argument));
}

void
access_check(FunctionCallInfo fcinfo, Oid caller, bool dated, TimestampTz at)
{
	char	   *name = get_func_name(fcinfo->flinfo->fn_oid);
	int			function = find_function(name);
	int			allowed;

	if (function < 0)
		refuse(name, "Only the owner of the extension may call it.");
	allowed = levels_for_call(fcinfo, caller, functions[function].account_argument);
	if ((allowed & functions[function].levels) == 0)
		refuse(name, "The role has no level that allows it in this account.");
	if (dated && (allowed & PROVIDER) == 0 && at != GetCurrentTransactionStartTimestamp())
		refuse(name, "Only the provider may name a moment other than now().");
}

bool
access_caller_sees(Oid caller, int64 account_id)
{
	return superuser_arg(caller) || caller_levels(caller, true, account_id) != 0;
}

bool
access_sees(FunctionCallInfo fcinfo, int64 account_id)
{
	Oid			caller = GetUserId();
	Operation	op;
	bool		sees;

	if (grantee == caller && ngrants == 1 &&
		(!grants[0].confined || grants[0].account_id == account_id))
		return true;
	operation_begin_unchecked(&op, fcinfo);
	sees = access_caller_sees(caller, account_id);
	operation_end(&op);
	return sees;
}

/*
 * license._sees(account_id bigint) → boolean
 *		The policy of row-level security: does the current role have a level in
 *		that account or above it?  Contract 11.  Raises nothing.
 */
Datum
license_sees(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && access_sees(fcinfo, PG_GETARG_INT64(0)));
}

/*
 * license._access_trg() → trigger
 *		After grants or the tree of accounts changed: every backend forgets
 *		what it remembers of them.  Errors: 39P01.
 */
Datum
license_access_trg(PG_FUNCTION_ARGS)
{
	(void) check_trigger(fcinfo, "_access_trg", TRIGGER_EVENT_AFTER,
						 ON_INSERT | ON_UPDATE | ON_DELETE | ON_TRUNCATE, 0);
	CacheInvalidateRelcacheByRelid(access_relid());
	return PointerGetDatum(NULL);
}
