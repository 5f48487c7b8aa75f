/*
 * access_levels.c
 *		Finds the levels of a role in an account, from grants, memberships of
 *		roles and the tree of accounts.
 *
 * Grants and the tree of accounts rarely change and every call needs them, so a
 * backend remembers which levels a role has in an account.  It reads the latest
 * rows and not the snapshot of the transaction, so that a level that was taken
 * away is lost in transactions that began before, too.  Triggers on
 * license.access and license.account make every backend forget.
 */
#include "access/access_levels.h"

#include "access/access_role.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "core/row.h"
#include "core/trigger.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(license_access_trg);

/* Remembered answers are dropped together when there are this many. */
#define MAX_REMEMBERED 10000

/* A bound for the loop up the tree; a trigger on license.account refuses circles. */
#define MAX_HEIGHT 1000

/* The levels of a role in an account */
typedef struct Remembered
{
	Oid			role;			/* key: the first three, no padding */
	uint32		has_account;	/* false: the levels that are confined to no account */
	int64		account_id;
	int			levels;
} Remembered;

#define REMEMBERED_KEY_SIZE offsetof(Remembered, levels)

typedef struct Grant
{
	int			level;
	bool		confined;
	int64		account_id;		/* top of the subtree, when confined */
} Grant;

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
	{"operator", OPERATOR},
};

static HTAB *remembered = NULL;
static uint64 generation = 0;	/* counts how often everything was forgotten */
static Oid	access_relation = InvalidOid;	/* no catalog may be read in a callback */

static void
forget(void)
{
	generation++;
	if (remembered != NULL)
		hash_destroy(remembered);
	remembered = NULL;
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

/* Discard what an aborted transaction has read: it may have been its own change. */
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
access_levels_init(void)
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

static Datum
column_of(HeapTuple row, Relation rel, const char *column, bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), column);
	return heap_getattr(row, attnum, RelationGetDescr(rel), isnull);
}

/* Reads the grant; returns true if it is to the role or to one whose privileges it inherits. */
static bool
read_grant(HeapTuple row, Relation rel, Oid role, Grant *grant)
{
	bool		isnull;
	GrantedRole *granted = (GrantedRole *) DatumGetPointer(column_of(row, rel, "role", &isnull));

	if (granted_role_state(granted) != GRANT_ACTIVE || !has_privs_of_role(role, granted->id))
		return false;
	grant->level = access_level(TextDatumGetCString(column_of(row, rel, "level", &isnull)));
	grant->account_id = DatumGetInt64(column_of(row, rel, "account_id", &isnull));
	grant->confined = !isnull;
	return true;
}

/* The grants that a role has, by itself or as a member of others; palloc'd */
static Grant *
read_grants(Oid role, int *count)
{
	Relation	rel = table_open(relation_of_ours("access"), AccessShareLock);
	int			size = 16;
	Grant	   *grants = palloc(sizeof(Grant) * size);
	SysScanDesc scan;
	HeapTuple	row;

	*count = 0;
	access_relation = RelationGetRelid(rel);
	/* Without a snapshot, the scan takes the latest one. */
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		if (*count == size)
			grants = repalloc(grants, sizeof(Grant) * (size *= 2));
		if (read_grant(row, rel, role, &grants[*count]))
			(*count)++;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return grants;
}

/* Finds the account above; returns false if there is none.  found tells whether the account itself exists. */
static bool
read_parent(Relation rel, Oid index, int64 account_id, int64 *parent_id, bool *found)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		isnull = true;

	ScanKeyInit(&key, get_attnum(RelationGetRelid(rel), "account_id"), BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(account_id));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	row = systable_getnext(scan);
	*found = HeapTupleIsValid(row);
	if (*found)
		*parent_id = DatumGetInt64(column_of(row, rel, "parent_id", &isnull));
	systable_endscan(scan);
	return *found && !isnull;
}

static int
levels_at(const Grant *grants, int count, int64 account_id)
{
	int			found = 0;

	for (int i = 0; i < count; i++)
	{
		if (grants[i].confined && grants[i].account_id == account_id)
			found |= grants[i].level;
	}
	return found;
}

/* Adds the levels granted in the account or above it; returns false if there is no such account. */
static bool
levels_on_the_way_up(const Grant *grants, int count, int64 account_id, int *found)
{
	Relation	rel = table_open(relation_of_ours("account"), AccessShareLock);
	Oid			index = relation_of_ours("account_pkey");
	int64		above = account_id;
	bool		exists;
	bool		goes_on;
	bool		known = false;

	for (int height = 0; height < MAX_HEIGHT; height++)
	{
		*found |= levels_at(grants, count, above);
		goes_on = read_parent(rel, index, above, &above, &exists);
		known = known || exists;
		if (!goes_on)
			break;
	}
	table_close(rel, AccessShareLock);
	return known;
}

/* Returns whether the levels may be remembered: an account that does not exist can be created below any other. */
static bool
read_levels(Oid role, bool has_account, int64 account_id, int *found)
{
	int			count;
	Grant	   *grants = read_grants(role, &count);
	bool		known = true;

	*found = 0;
	for (int i = 0; i < count; i++)
	{
		if (!grants[i].confined)
			*found |= grants[i].level;
	}
	if (has_account && count > 0)
	{
		int			confined = 0;

		known = levels_on_the_way_up(grants, count, account_id, &confined);
		if (known)
			*found |= confined;
	}
	pfree(grants);
	return known;
}

static Remembered
remembered_key(Oid role, bool has_account, int64 account_id)
{
	Remembered	key = {.role = role, .has_account = has_account, .account_id = has_account ? account_id : 0};

	return key;
}

static void
remember(const Remembered *answer)
{
	HASHCTL		control = {.keysize = REMEMBERED_KEY_SIZE, .entrysize = sizeof(Remembered)};
	bool		found;

	if (remembered != NULL && hash_get_num_entries(remembered) >= MAX_REMEMBERED)
		forget();
	if (remembered == NULL)
		remembered = hash_create("license_ext levels", 256, &control, HASH_ELEM | HASH_BLOBS);
	((Remembered *) hash_search(remembered, answer, HASH_ENTER, &found))->levels = answer->levels;
}

int
access_levels_of(Oid role, bool has_account, int64 account_id)
{
	Remembered	answer = remembered_key(role, has_account, account_id);
	Remembered *known = remembered == NULL ? NULL : hash_search(remembered, &answer, HASH_FIND, NULL);
	uint64		began = generation;

	if (known != NULL)
		return known->levels;
	/* If everything was forgotten meanwhile, what was read may be outdated. */
	if (read_levels(role, has_account, account_id, &answer.levels) && generation == began)
		remember(&answer);
	return answer.levels;
}

int
access_levels_anywhere(Oid role)
{
	int			count;
	Grant	   *grants = read_grants(role, &count);
	int			found = 0;

	for (int i = 0; i < count; i++)
		found |= grants[i].level;
	pfree(grants);
	return found;
}

/*
 * license._access_trg() → trigger
 *		After a change of grants or of the tree of accounts: every backend
 *		forgets the levels that it remembers.  Errors: 39P01.
 */
Datum
license_access_trg(PG_FUNCTION_ARGS)
{
	(void) check_trigger(fcinfo, "_access_trg", TRIGGER_EVENT_AFTER,
						 ON_INSERT | ON_UPDATE | ON_DELETE | ON_TRUNCATE, 0);
	CacheInvalidateRelcacheByRelid(relation_of_ours("access"));
	return PointerGetDatum(NULL);
}
