/*
 * attach.c
 *		Attaches and detaches counted foreign keys.
 *
 * Nothing but the triggers records an attachment: their arguments name the
 * columns, and pg_dump dumps them with the tables.  SQL text is built from
 * catalog names, quoted; values are parameters.
 */
#include "core/extension.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "core/function.h"
#include "core/operation.h"
#include "counted/attachment.h"
#include "counted/column.h"
#include "counted/count_sql.h"
#include "counted/foreign_key.h"
#include "counted/own_trigger.h"
#include "counted/permit.h"
#include "counted/recount.h"
#include "counted/trigger_ddl.h"
#include "counted/used_column.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(license_attach_seat_limit);
PG_FUNCTION_INFO_V1(license_detach_seat_limit);

/* Call it before the table is locked: a role that does not own the table must not block others that use it. */
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

/* A statement on another table can write rows of a partition or inheritance child without firing its statement triggers. */
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
	(void) column_require_integer(parent, attachment->used);
	if (attachment->limit != NULL)
		(void) column_require_integer(parent, attachment->limit);
	if (attachment->weight != NULL)
		(void) column_require_weight(child, attachment->weight);
}

/* A guard whose foreign key no longer counts is not in the way: it will be replaced. */
static void
require_unattached(SeatAttachment *attachment, Relation child, Relation parent)
{
	Oid			constraint;

	if (attachment_find(child, attachment->constraint) != NULL)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("foreign key \"%s\" of \"%s\" has a seat limit already",
					   attachment->constraint, RelationGetRelationName(child)));
	if (own_trigger_find_guard(parent, attachment->used) != NULL &&
		used_column_is_counted(parent, attachment->used, &constraint))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("column \"%s\" of \"%s\" counts the seats of another foreign key",
					   attachment->used, RelationGetRelationName(parent)),
				errhint("Give each seat limit a used column of its own."));
}

/* The parents whose children exceed the limit, as text for a DETAIL */
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
					 broken->shown++ > 0 ? "; " : "", recount_row_key(attachment, row, desc),
					 units, limit);
}

static void
refuse_broken(SeatAttachment *attachment)
{
	BrokenLimits broken = {0};

	if (attachment->limit == NULL)
		return;
	initStringInfo(&broken.text);
	recount_read(attachment, count_sql_broken(attachment), add_broken, &broken);
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
	foreign_key_require_same_types(attachment->child, attachment->parent, attachment->nkeys,
								   attachment->child_attnums, attachment->parent_attnums);
	require_columns(attachment, child, parent);
	permit_require_writer(child, parent, attachment->used);
	require_unattached(attachment, child, parent);
}

static void
attach(Operation *op, SeatAttachment *attachment, Relation child, Relation parent)
{
	refuse_what_cannot_count(attachment, child, parent);
	operation_lend_path(op);
	refuse_broken(attachment);
	operation_take_path(op);
	trigger_ddl_create(attachment, own_trigger_find_guard(parent, attachment->used) != NULL);
	operation_lend_path(op);
	(void) recount_correct(attachment, OWNER_RESTRICTED);
	operation_take_path(op);
}

/*
 * license.attach_seat_limit(child regclass, foreign_key name, used_column name,
 *							 limit_column name, weight_column name) → void
 *		Makes the foreign key a counted one: used_column of the parent holds
 *		the number of seats that its children take, never more than
 *		limit_column.  Counts the existing rows first.  Without a limit_column
 *		seats are only counted; without a weight_column each row takes one.
 *		The caller must own both tables.
 *		Errors: 22004, 25001, 42501, 42703, 42704, 42710, 42804, 42P01, 0A000,
 *		LX001 when existing rows exceed a limit.
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
	recount_require_fresh_snapshots("attach_seat_limit");
	require_owner(PG_GETARG_OID(0));
	child = attachment_open_child(PG_GETARG_OID(0), ShareRowExclusiveLock);
	attachment = attachment_of_constraint(child, NameStr(*PG_GETARG_NAME(1)));
	require_owner(attachment->parent);
	parent = table_open(attachment->parent, ShareRowExclusiveLock);
	attachment->used = NameStr(*PG_GETARG_NAME(2));
	attachment->limit = PG_ARGISNULL(3) ? NULL : NameStr(*PG_GETARG_NAME(3));
	attachment->weight = PG_ARGISNULL(4) ? NULL : NameStr(*PG_GETARG_NAME(4));
	operation_begin(&op, fcinfo, OP_ATTACH_SEAT_LIMIT, operation_at());
	attach(&op, attachment, child, parent);
	operation_end(&op);
	table_close(parent, NoLock);
	table_close(child, NoLock);
	PG_RETURN_VOID();
}

static SeatAttachment *
require_attachment(Relation child, const char *constraint)
{
	SeatAttachment *attachment = attachment_find(child, constraint);

	if (attachment == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("foreign key \"%s\" of \"%s\" has no seat limit",
					   constraint, RelationGetRelationName(child)));
	return attachment;
}

/*
 * license.detach_seat_limit(child regclass, foreign_key name) → void
 *		Drops the triggers; the used column keeps its last values.  If the
 *		foreign key was dropped, foreign_key is its former name, and the
 *		parent's triggers stay, but refuse nothing any more.  The caller must
 *		own both tables.  Errors: 22004, 42501, 42704, 42P01.
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
	child = attachment_open_child(PG_GETARG_OID(0), AccessExclusiveLock);
	attachment = require_attachment(child, NameStr(*PG_GETARG_NAME(1)));
	if (OidIsValid(attachment->parent))
		require_owner(attachment->parent);
	table_close(child, NoLock);
	operation_begin(&op, fcinfo, OP_DETACH_SEAT_LIMIT, operation_at());
	trigger_ddl_drop(attachment);
	operation_end(&op);
	PG_RETURN_VOID();
}
