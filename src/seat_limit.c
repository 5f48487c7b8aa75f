/*
 * seat_limit.c
 *		Attaches, detaches, checks and recounts counted foreign keys.
 *
 * The triggers are the registry: their arguments name the columns, so nothing
 * else has to be saved or kept in step, and pg_dump carries them.  The SQL
 * here is built from catalog names, quoted; values are parameters.
 */
#include "seat_limit.h"

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
#include "operation.h"
#include "plans.h"
#include "seat_attachment.h"
#include "storage/lmgr.h"
#include "trigger_util.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(license_attach_seat_limit);
PG_FUNCTION_INFO_V1(license_detach_seat_limit);
PG_FUNCTION_INFO_V1(license_check_seats);
PG_FUNCTION_INFO_V1(license_recount_seats);
PG_FUNCTION_INFO_V1(license_seat_truncate_trg);

static void
require_owner(Oid relation)
{
	if (!object_ownercheck(RelationRelationId, relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relation));
}

/* A count must see every committed row, which an older snapshot does not. */
static void
require_fresh_snapshots(const char *function)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("license.%s() must run at isolation level READ COMMITTED", function));
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
	if (seat_attachment_find(child, attachment->constraint) != NULL)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("foreign key \"%s\" of \"%s\" has a seat limit already",
					   attachment->constraint, RelationGetRelationName(child)));
	if (seat_guard_find(parent, attachment->used) != NULL && seat_guard_is_alive(parent, attachment->used))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("column \"%s\" of \"%s\" counts the seats of another foreign key",
					   attachment->used, RelationGetRelationName(parent)),
				errhint("Give each seat limit a used column of its own."));
}

static void
refuse_broken(SeatAttachment *attachment)
{
	if (attachment->limit == NULL)
		return;
	seat_attachment_run(attachment, seat_broken_sql(attachment));
	if (SPI_processed > 0)
		ereport(ERROR,
				errcode(ERRCODE_SEAT_LIMIT_EXCEEDED),
				errmsg("rows of \"%s\" already break the seat limit",
					   get_rel_name(attachment->parent)),
				errdetail("%s", got_text(1)),
				errhint("Release seats or raise \"%s\" of these rows first.", attachment->limit));
}

static void
attach(SeatAttachment *attachment, Relation child, Relation parent)
{
	require_simple_table(child);
	require_simple_table(parent);
	seat_refuse_other_types(attachment->child, attachment->parent, attachment->nkeys,
							attachment->child_attnums, attachment->parent_attnums);
	require_columns(attachment, child, parent);
	require_unattached(attachment, child, parent);
	refuse_broken(attachment);
	seat_triggers_create(attachment, seat_guard_find(parent, attachment->used) != NULL);
	seat_attachment_run(attachment, seat_recount_sql(attachment));
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
	require_fresh_snapshots("attach_seat_limit");
	child = seat_open_child(PG_GETARG_OID(0), ShareRowExclusiveLock);
	attachment = seat_attachment_of_constraint(child, NameStr(*PG_GETARG_NAME(1)));
	require_owner(attachment->child);
	require_owner(attachment->parent);
	parent = table_open(attachment->parent, ShareRowExclusiveLock);
	attachment->used = NameStr(*PG_GETARG_NAME(2));
	attachment->limit = PG_ARGISNULL(3) ? NULL : NameStr(*PG_GETARG_NAME(3));
	attachment->weight = PG_ARGISNULL(4) ? NULL : NameStr(*PG_GETARG_NAME(4));
	operation_begin(&op, fcinfo, "attach_seat_limit", operation_at());
	attach(attachment, child, parent);
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
	child = seat_open_child(PG_GETARG_OID(0), AccessExclusiveLock);
	attachment = require_attachment(child, NameStr(*PG_GETARG_NAME(1)));
	require_owner(attachment->child);
	if (OidIsValid(attachment->parent))
		require_owner(attachment->parent);
	table_close(child, NoLock);
	operation_begin(&op, fcinfo, "detach_seat_limit", operation_at());
	seat_triggers_drop(attachment);
	operation_end(&op);
	PG_RETURN_VOID();
}

/*
 * license.check_seats() → SETOF (child, parent, parent_key, counted, recorded, seat_limit)
 *		Parents whose recorded count is not what their children take; an empty
 *		answer is the health check.  In a transaction with an older snapshot
 *		the answer is about that snapshot.  Errors: none of its own.
 */
Datum
license_check_seats(PG_FUNCTION_ARGS)
{
	Operation	op;
	List	   *attachments;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	operation_begin(&op, fcinfo, NULL, 0);
	attachments = seat_attachments(InvalidOid);
	foreach(cell, attachments)
	{
		if (SPI_execute(seat_difference_sql(lfirst(cell)), false, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not check seats");
		add_result_rows(fcinfo);
	}
	operation_end(&op);
	return (Datum) 0;
}

/*
 * license.recount_seats(child regclass DEFAULT NULL) → bigint
 *		Counts again, for one child table or all, and puts the parents right;
 *		answers how many were wrong.  Writers wait meanwhile.
 *		Errors: 25001, 42501 without level provider, 42704 when it has no seat
 *		limit, 23514 when a parent's own CHECK forbids the true count.
 */
Datum
license_recount_seats(PG_FUNCTION_ARGS)
{
	Operation	op;
	List	   *attachments;
	ListCell   *cell;
	int64		corrected = 0;

	require_fresh_snapshots("recount_seats");
	operation_begin(&op, fcinfo, "recount_seats", operation_at());
	attachments = seat_attachments(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0));
	foreach(cell, attachments)
	{
		SeatAttachment *attachment = lfirst(cell);

		LockRelationOid(attachment->child, ShareRowExclusiveLock);
		seat_attachment_run(attachment, seat_recount_sql(attachment));
		corrected += SPI_processed;
	}
	operation_end(&op);
	PG_RETURN_INT64(corrected);
}

/*
 * license._seat_truncate_trg() → trigger
 *		After TRUNCATE of the child of a counted foreign key: no seat is used.
 *		Errors: 39P01.
 */
Datum
license_seat_truncate_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_seat_truncate_trg", TRIGGER_EVENT_AFTER,
										 ON_TRUNCATE, -1);
	SeatAttachment *attachment;
	Operation	op;

	if (trigger->tg_trigger->tgnargs <= SEAT_ARG_KEYS)
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("seat triggers are made by license.attach_seat_limit()"));
	operation_begin(&op, fcinfo, NULL, 0);
	attachment = seat_attachment_of_trigger(trigger->tg_relation, trigger->tg_trigger);
	seat_attachment_run(attachment, seat_recount_sql(attachment));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
