/*
 * license_lookup.c
 *		Finds a licence by its key without planner and executor.
 *
 * Every device asks about its key again and again, so this reads the indexes
 * itself, in the snapshot of the caller's statement.  Oids, column numbers and
 * the longest lead of a notice are remembered until one of the tables is altered
 * or a notice stage edited.
 */
#include "license/license_lookup.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "core/field.h"
#include "core/row.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(license_notice_stage_trg);

typedef enum LicenseColumn
{
	ACCOUNT_ID, LICENSE_ID, STATUS, STARTS_AT, ENDS_AT, MODULES, LICENSE_COLUMNS
} LicenseColumn;

typedef enum PoolColumn
{
	MAXIMUM, IN_USE, POOL_COLUMNS
} PoolColumn;

static const char *const license_columns[] = {
	"account_id", "license_id", "status", "starts_at", "ends_at", "modules"
};
static const char *const pool_columns[] = {"maximum", "in_use"};

/* A table, the index to find its rows by, and the columns to read */
typedef struct Place
{
	Oid			table;
	Oid			index;
	AttrNumber	columns[LICENSE_COLUMNS];
} Place;

static bool known = false;
static uint64 changes = 0;		/* of the relations that matter */
static Place license_place;
static Place pool_place;
static Oid	stage_table;
static FmgrInfo key_equal;

static bool lead_known = false;
static Interval earliest_lead;

typedef void (*RowReader) (const Place *place, TupleTableSlot *row, void *result);

static void
forget_on_relation(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == license_place.table || relation == license_place.index ||
		relation == pool_place.table || relation == pool_place.index || relation == stage_table)
	{
		known = false;
		lead_known = false;
		changes++;
	}
}

void
license_lookup_init(void)
{
	CacheRegisterRelcacheCallback(forget_on_relation, (Datum) 0);
}

static void
find_place(Place *place, const char *table, const char *index, const char *const *columns, int ncolumns)
{
	place->table = relation_of_ours(table);
	place->index = relation_of_ours(index);
	for (int i = 0; i < ncolumns; i++)
	{
		place->columns[i] = get_attnum(place->table, columns[i]);
		if (place->columns[i] == InvalidAttrNumber)
			elog(ERROR, "table license.%s has no column %s", table, columns[i]);
	}
}

static void
find_places(void)
{
	uint64		before = changes;
	Oid			opclass;
	Oid			type;

	if (known)
		return;
	find_place(&license_place, "license", "license_key_key", license_columns, LICENSE_COLUMNS);
	find_place(&pool_place, "license_pool", "license_pool_pkey", pool_columns, POOL_COLUMNS);
	stage_table = relation_of_ours("notice_stage");
	/* The catalogs are read, not the index: opening it could wait for a DROP and then fail. */
	opclass = get_index_column_opclass(license_place.index, 1);
	type = get_opclass_input_type(opclass);
	fmgr_info_cxt(get_opcode(get_opfamily_member(get_opclass_family(opclass), type, type,
												 BTEqualStrategyNumber)),
				  &key_equal, TopMemoryContext);
	known = changes == before;
}

/*
 * Locks the table and returns a copy of what is known of it.  If the lock had to
 * wait for a transaction that altered the table, the table is looked up again.
 */
static Place
lock_place(const Place *place)
{
	Oid			locked = InvalidOid;

	for (;;)
	{
		find_places();
		if (place->table == locked)
			return *place;
		locked = place->table;
		LockRelationOid(locked, AccessShareLock);
		if (known)
			return *place;
	}
}

/* Calls the reader for every row that the scan keys find; returns their number. */
static int
scan_place(const Place *where, ScanKey keys, int nkeys, RowReader reader, void *result)
{
	Place		place = lock_place(where);
	Relation	table = table_open(place.table, NoLock);
	Relation	index = index_open(place.index, AccessShareLock);
	TupleTableSlot *row = table_slot_create(table, NULL);
	IndexScanDesc scan = index_begin_plain_scan(table, index, GetActiveSnapshot(), nkeys);
	int			count = 0;

	index_rescan(scan, keys, nkeys, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		reader(&place, row, result);
		count++;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return count;
}

/* What is asked, and what was found */
typedef struct Lookup
{
	const text *module;
	FoundLicense *license;
} Lookup;

static Datum
read_column(const Place *place, TupleTableSlot *row, int column, bool *present)
{
	bool		isnull;
	Datum		value = slot_getattr(row, place->columns[column], &isnull);

	*present = !isnull;
	return value;
}

static void
read_license(const Place *place, TupleTableSlot *row, void *result)
{
	Lookup	   *lookup = result;
	FoundLicense *license = lookup->license;
	bool		present;

	license->account_id = DatumGetInt64(read_column(place, row, ACCOUNT_ID, &present));
	license->license_id = DatumGetInt64(read_column(place, row, LICENSE_ID, &present));
	license->status = DatumGetTextPCopy(read_column(place, row, STATUS, &present));
	license->starts_at = DatumGetTimestampTz(read_column(place, row, STARTS_AT, &license->has_start));
	license->ends_at = DatumGetTimestampTz(read_column(place, row, ENDS_AT, &license->has_end));
	license->has_module = lookup->module == NULL ||
		array_has_text(read_column(place, row, MODULES, &present), lookup->module);
}

static void
read_pool(const Place *place, TupleTableSlot *row, void *result)
{
	FoundLicense *license = result;
	bool		present;
	int32		maximum = DatumGetInt32(read_column(place, row, MAXIMUM, &present));

	if (maximum > 0 && DatumGetInt32(read_column(place, row, IN_USE, &present)) >= maximum)
		license->pool_full = true;
}

bool
license_lookup(const LicenseKey *key, const text *module, FoundLicense *license)
{
	Lookup		lookup = {.module = module, .license = license};
	ScanKeyData keys[2];

	find_places();
	ScanKeyEntryInitializeWithInfo(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, InvalidOid,
								   &key_equal, LicenseKeyPGetDatum(key));
	if (scan_place(&license_place, keys, 1, read_license, &lookup) == 0)
		return false;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(license->account_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(license->license_id));
	license->pool_full = false;
	scan_place(&pool_place, keys, 2, read_pool, license);
	return true;
}

static Statement validate_earliest_lead = STATEMENT(
	"SELECT max(lead) AS lead FROM license.notice_stage WHERE active");

/* Reads the latest rows: the transaction may have an old snapshot, but the session remembers the lead. */
static void
load_earliest_lead(void)
{
	uint64		before;
	NullableDatum lead;

	if (lead_known)
		return;
	find_places();
	before = changes;
	RUN_LATEST(validate_earliest_lead);
	lead = field_value("lead");
	memset(&earliest_lead, 0, sizeof(earliest_lead));
	if (!lead.isnull)
		earliest_lead = *DatumGetIntervalP(lead.value);
	lead_known = changes == before;
}

static Statement validate_expires_soon = STATEMENT(
	"SELECT EXISTS (SELECT FROM license.account a CROSS JOIN license.notice_stage s"
	" WHERE a.account_id = $1 AND s.active AND license._calendar_add($2, - s.lead, a.time_zone) <= $3) AS soon",
	INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

bool
license_expires_soon(const FoundLicense *license, TimestampTz at)
{
	double		longest;

	if (!license->has_end)
		return false;
	load_earliest_lead();
	/* No calendar makes the lead longer than this, so that most licences need no statement. */
	longest = (double) earliest_lead.time +
		((double) earliest_lead.month * 31 + earliest_lead.day + 2) * USECS_PER_DAY;
	if ((double) license->ends_at - (double) at > longest)
		return false;
	RUN(validate_expires_soon, arg_int64(license->account_id), arg_time(license->ends_at), arg_time(at));
	return field_bool("soon");
}

/*
 * license._notice_stage_trg() → trigger
 *		After a change of notice stages: every backend forgets the longest lead.
 *		Errors: 39P01.
 */
Datum
license_notice_stage_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_notice_stage_trg", TRIGGER_EVENT_AFTER,
											 ON_INSERT | ON_UPDATE | ON_DELETE | ON_TRUNCATE, 0,
											 "notice_stage");

	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}
