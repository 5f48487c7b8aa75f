/*
 * seat_limit.c
 *		Attaches and detaches counted foreign keys.
 *
 * The triggers are the registry: their arguments name the columns, so nothing
 * else has to be saved or kept in step, and pg_dump carries them.  The SQL
 * here is built from catalog names, quoted; values are parameters.
 */
#include "counted/seat_limit.h"
#include "core/function.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "core/operation.h"
#include "core/statement.h"
#include "counted/seat_attachment.h"
#include "storage/lmgr.h"
#include "core/trigger.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(license_attach_seat_limit);
PG_FUNCTION_INFO_V1(license_detach_seat_limit);
PG_FUNCTION_INFO_V1(license_seat_truncate_trg);

/* To be asked before a table is locked: only its owner may hold up who uses it. */
static void
require_owner(Oid relation)
{
	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table with OID %u does not exist", relation));
	if (!object_ownercheck(RelationRelationId, relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relation));
}

/* Rows reach a partition or an inheritance child without firing the triggers of the other table. */
static void
require_simple_table(Relation rel)
{
	if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relispartition &&
		!has_superclass(RelationGetRelid(rel)) &&
		find_inheritance_children(RelationGetRelid(rel), NoLock) == NIL)
		return;
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("\"%s\" is not a simple table", RelationGetRelationName(rel)),
			errdetail("Seats cannot be counted over views, partitions or inheritance."));
}

static void
require_columns(SeatAttachment *attachment, Relation child, Relation parent)
{
	if (attachment->used == NULL)
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("used_column must not be NULL"));
	(void) seat_integer_column(parent, attachment->used);
	if (attachment->limit != NULL)
		(void) seat_integer_column(parent, attachment->limit);
	if (attachment->weight != NULL)
		(void) seat_weight_column(child, attachment->weight);
}

/* What is left of a counted foreign key that is gone stands in nobody's way. */
static void
require_unattached(SeatAttachment *attachment, Relation child, Relation parent)
{
	Oid			constraint;

	if (seat_attachment_find(child, attachment->constraint) != NULL)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("foreign key \"%s\" of \"%s\" has a seat limit already",
					   attachment->constraint, RelationGetRelationName(child)));
	if (seat_guard_find(parent, attachment->used) != NULL &&
		seat_guard_is_alive(parent, attachment->used, &constraint))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("column \"%s\" of \"%s\" counts the seats of another foreign key",
					   attachment->used, RelationGetRelationName(parent)),
				errhint("Give each seat limit a used column of its own."));
}

/* The parents that break their limit, as text */
typedef struct BrokenLimits
{
	StringInfoData text;
	int64		shown;
	int64		all;
} BrokenLimits;

static void
add_broken(SeatAttachment *attachment, HeapTuple row, TupleDesc desc, void *result)
{
	BrokenLimits *broken = result;
	int			column = attachment->nkeys;
	bool		isnull;
	int64		units = DatumGetInt64(SPI_getbinval(row, desc, column + 1, &isnull));
	int64		limit = DatumGetInt64(SPI_getbinval(row, desc, column + 2, &isnull));

	broken->all = DatumGetInt64(SPI_getbinval(row, desc, column + 3, &isnull));
	appendStringInfo(&broken->text, "%s%s takes " INT64_FORMAT " of " INT64_FORMAT " seats",
					 broken->shown++ > 0 ? "; " : "", seat_row_key_text(attachment, row, desc),
					 units, limit);
}

static void
refuse_broken(SeatAttachment *attachment)
{
	BrokenLimits broken = {0};

	if (attachment->limit == NULL)
		return;
	initStringInfo(&broken.text);
	seat_read_parents(attachment, seat_broken_sql(attachment), add_broken, &broken);
	if (broken.all == 0)
		return;
	if (broken.all > broken.shown)
		appendStringInfo(&broken.text, "; and " INT64_FORMAT " more", broken.all - broken.shown);
	ereport(ERROR,
			errcode(ERRCODE_SEAT_LIMIT_EXCEEDED),
			errmsg("rows of \"%s\" already break the seat limit",
				   get_rel_name(attachment->parent)),
			errdetail("%s.", broken.text.data),
			errhint("Release seats or raise \"%s\" of these rows first.", attachment->limit));
}

static void
refuse_what_cannot_count(SeatAttachment *attachment, Relation child, Relation parent)
{
	require_simple_table(child);
	require_simple_table(parent);
	seat_refuse_other_types(attachment->child, attachment->parent, attachment->nkeys,
							attachment->child_attnums, attachment->parent_attnums);
	require_columns(attachment, child, parent);
	seat_require_writer(child, parent, attachment->used);
	require_unattached(attachment, child, parent);
}

static void
attach(Operation *op, SeatAttachment *attachment, Relation child, Relation parent)
{
	refuse_what_cannot_count(attachment, child, parent);
	operation_lend_path(op);
	refuse_broken(attachment);
	operation_take_path(op);
	seat_triggers_create(attachment, seat_guard_find(parent, attachment->used) != NULL);
	operation_lend_path(op);
	(void) seat_recount(attachment, SEAT_RESTRICTED);
	operation_take_path(op);
}

/*
 * license.attach_seat_limit(child regclass, foreign_key name, used_column name,
 *							 limit_column name, weight_column name) → void
 *		Makes the foreign key a counted one: used_column of the parent holds
 *		the seats its children take, never more than limit_column.  Counts
 *		what is there first.  limit_column NULL only counts; weight_column
 *		NULL is one seat a row.  The caller must own both tables.
 *		Errors: 22004, 25001, 42501, 42703, 42704, 42710, 42804, 0A000, LX001
 *		when a limit is broken already.  Contract 4, M11, M12.
 */
Datum
license_attach_seat_limit(PG_FUNCTION_ARGS)
{
	Operation	op;
	SeatAttachment *attachment;
	Relation	child;
	Relation	parent;

	require_argument(fcinfo, 0, "child");
	require_argument(fcinfo, 1, "foreign_key");
	require_argument(fcinfo, 2, "used_column");
	seat_require_fresh_snapshots("attach_seat_limit");
	require_owner(PG_GETARG_OID(0));
	child = seat_open_child(PG_GETARG_OID(0), ShareRowExclusiveLock);
	attachment = seat_attachment_of_constraint(child, NameStr(*PG_GETARG_NAME(1)));
	require_owner(attachment->parent);
	parent = table_open(attachment->parent, ShareRowExclusiveLock);
	attachment->used = NameStr(*PG_GETARG_NAME(2));
	attachment->limit = PG_ARGISNULL(3) ? NULL : NameStr(*PG_GETARG_NAME(3));
	attachment->weight = PG_ARGISNULL(4) ? NULL : NameStr(*PG_GETARG_NAME(4));
	operation_begin(&op, fcinfo, "attach_seat_limit", operation_at());
	attach(&op, attachment, child, parent);
	operation_end(&op);
	table_close(parent, NoLock);
	table_close(child, NoLock);
	PG_RETURN_VOID();
}

static SeatAttachment *
require_attachment(Relation child, const char *constraint)
{
	SeatAttachment *attachment = seat_attachment_find(child, constraint);

	if (attachment == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("foreign key \"%s\" of \"%s\" has no seat limit",
					   constraint, RelationGetRelationName(child)));
	return attachment;
}

/*
 * license.detach_seat_limit(child regclass, foreign_key name) → void
 *		Takes the limit off a counted foreign key; the used column keeps its
 *		last values.  One that was dropped is named as it was; then the parent's
 *		triggers stay, and let everything pass.  The caller must own both tables.
 *		Errors: 22004, 42501, 42704.
 */
Datum
license_detach_seat_limit(PG_FUNCTION_ARGS)
{
	Operation	op;
	SeatAttachment *attachment;
	Relation	child;

	require_argument(fcinfo, 0, "child");
	require_argument(fcinfo, 1, "foreign_key");
	require_owner(PG_GETARG_OID(0));
	child = seat_open_child(PG_GETARG_OID(0), AccessExclusiveLock);
	attachment = require_attachment(child, NameStr(*PG_GETARG_NAME(1)));
	if (OidIsValid(attachment->parent))
		require_owner(attachment->parent);
	table_close(child, NoLock);
	operation_begin(&op, fcinfo, "detach_seat_limit", operation_at());
	seat_triggers_drop(attachment);
	operation_end(&op);
	PG_RETURN_VOID();
}

/*
 * license._seat_truncate_trg() → trigger
 *		After TRUNCATE of the child of a counted foreign key: no seat is used.
 *		Errors: as _seat_row_trg().
 */
Datum
license_seat_truncate_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_seat_truncate_trg", TRIGGER_EVENT_AFTER,
										 ON_TRUNCATE, -1);

	if (trigger->tg_trigger->tgnargs <= SEAT_ARG_KEYS)
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("seat triggers are made by license.attach_seat_limit()"));
	(void) seat_recount(seat_attachment_lock(RelationGetRelid(trigger->tg_relation),
											 trigger->tg_trigger->tgoid, NoLock, RowExclusiveLock),
						SEAT_AS_OWNER);
	return PointerGetDatum(NULL);
}
