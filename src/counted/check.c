/*
 * check.c
 *		Checks and recounts the counted foreign keys of a table or of the
 *		database.
 *
 * Each counted foreign key is checked or recounted in a subtransaction of its
 * own, so that a broken one, or an error in the code of its owner, does not
 * stop the others.
 */
#include "core/extension.h"

#include "access/access.h"
#include "access/table.h"
#include "access/xact.h"
#include "core/operation.h"
#include "counted/attachment.h"
#include "counted/count_sql.h"
#include "counted/definition.h"
#include "counted/own_trigger.h"
#include "counted/owner.h"
#include "counted/recount.h"
#include "counted/trigger_ddl.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(license_check_seats);
PG_FUNCTION_INFO_V1(license_recount_seats);

/* Errors that concern the whole statement, not one table: it was canceled, or the server lacks memory or disk. */
static bool
ends_statement(ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return false;
	}
}

/* Runs work in a subtransaction; returns the error that ended it, or NULL. */
static ErrorData *
try_to(OwnerWork work, void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && ends_statement(error))
		ReThrowError(error);
	return error;
}

/* The extension's owner, superusers, provider and operator everywhere; others cover the tables that they own. */
static bool
covers_all_tables(const Operation *op)
{
	return op->caller == op->owner || superuser_arg(op->caller) ||
		access_role_has_everywhere(op->caller, PROVIDER | OPERATOR);
}

static bool
owns(const Operation *op, Oid relation)
{
	return OidIsValid(relation) && object_ownercheck(RelationRelationId, relation, op->caller);
}

/* The parent of a broken attachment may be unknown; then the child's owner covers it. */
static bool
is_covered(const Operation *op, SeatAttachment *attachment)
{
	return covers_all_tables(op) ||
		(owns(op, attachment->child) && (!OidIsValid(attachment->parent) || owns(op, attachment->parent)));
}

static List *
covered_of(const Operation *op, Oid child)
{
	Relation	rel;
	List	   *found = NIL;
	ListCell   *cell;

	/* Checked before the table is opened, so that the caller does not wait for locks on tables of others. */
	if (get_rel_name(child) == NULL || !(covers_all_tables(op) || owns(op, child)))
		return NIL;
	rel = try_table_open(child, AccessShareLock);
	if (rel == NULL)
		return NIL;
	foreach(cell, attachment_list(rel))
	{
		if (is_covered(op, lfirst(cell)))
			found = lappend(found, lfirst(cell));
	}
	table_close(rel, NoLock);
	return found;
}

static List *
covered_of_all(const Operation *op)
{
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, attachment_tables())
		found = list_concat(found, covered_of(op, lfirst_oid(cell)));
	return found;
}

/* One counted foreign key, and the result set for its rows */
typedef struct SeatCheck
{
	SeatAttachment *attachment;
	ReturnSetInfo *result;
} SeatCheck;

static void
add_difference(SeatAttachment *attachment, HeapTuple row, TupleDesc desc, void *argument)
{
	SeatCheck  *check = argument;
	Datum		values[7] = {ObjectIdGetDatum(attachment->child), ObjectIdGetDatum(attachment->parent),
	CStringGetTextDatum(recount_row_key(attachment, row, desc))};
	bool		nulls[7] = {false};

	for (int i = 0; i < 3; i++)
		values[i + 3] = SPI_getbinval(row, desc, attachment->nkeys + i + 1, &nulls[i + 3]);
	values[6] = CStringGetTextDatum("the recorded count differs from the rows");
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, values, nulls);
}

/* Raises the error that the next row would raise, or 55000 when a trigger is disabled or missing. */
static void
require_counting(SeatAttachment *attachment)
{
	Relation	child = table_open(attachment->child, AccessShareLock);

	(void) definition_build(child, own_trigger_require(child, attachment->trigger));
	table_close(child, NoLock);
	trigger_ddl_require_enabled(attachment);
}

static void
check_one(void *argument)
{
	SeatCheck  *check = argument;
	SeatAttachment *attachment = attachment_lock(check->attachment->child, check->attachment->trigger,
												 AccessShareLock, AccessShareLock);

	require_counting(attachment);
	recount_read(attachment, count_sql_differences(attachment), add_difference, check);
}

static void
add_problem(SeatCheck *check, ErrorData *error)
{
	Datum		values[7] = {ObjectIdGetDatum(check->attachment->child),
	ObjectIdGetDatum(check->attachment->parent)};
	bool		nulls[7] = {false, !OidIsValid(check->attachment->parent), true, true, true, true, false};

	values[6] = CStringGetTextDatum(error->hint == NULL ? error->message :
									psprintf("%s. %s", error->message, error->hint));
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, values, nulls);
}

/*
 * license.check_seats() → SETOF (child, parent, parent_key, counted, recorded, seat_limit, problem)
 *		Parents whose recorded count differs from the seats that their children
 *		take, and counted foreign keys that are broken, with the cure.  No rows
 *		means that all is well.  Each counted foreign key is checked in one
 *		snapshot.  Raises no error of its own.
 */
Datum
license_check_seats(PG_FUNCTION_ARGS)
{
	Operation	op;
	List	   *attachments;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	operation_begin_unchecked(&op, fcinfo);
	attachments = covered_of_all(&op);
	operation_lend_path(&op);
	foreach(cell, attachments)
	{
		SeatCheck	check = {lfirst(cell), (ReturnSetInfo *) fcinfo->resultinfo};
		ErrorData  *error = try_to(check_one, &check);

		if (error != NULL)
			add_problem(&check, error);
	}
	operation_take_path(&op);
	operation_end(&op);
	return (Datum) 0;
}

/* One counted foreign key, and the number of its parents that were corrected */
typedef struct SeatCorrection
{
	SeatAttachment *attachment;
	uint64		corrected;
} SeatCorrection;

static void
recount_one(void *argument)
{
	SeatCorrection *correction = argument;
	SeatAttachment *attachment = attachment_lock(correction->attachment->child,
												 correction->attachment->trigger,
												 ShareRowExclusiveLock, RowExclusiveLock);

	correction->corrected = recount_correct(attachment, OWNER_RESTRICTED);
}

static void
warn(SeatAttachment *attachment, ErrorData *error)
{
	ereport(WARNING,
			errcode(error->sqlerrcode),
			errmsg("seats of \"%s\" counted in column \"%s\" were not recounted",
				   get_rel_name(attachment->child), attachment->used),
			errdetail("%s.", error->message),
			error->hint != NULL ? errhint("%s", error->hint) : 0);
}

/* An error is raised if there is only one attachment; with several, it becomes a warning. */
static int64
recount(List *attachments)
{
	int64		corrected = 0;
	ListCell   *cell;

	foreach(cell, attachments)
	{
		SeatCorrection correction = {lfirst(cell), 0};
		ErrorData  *error = NULL;

		if (list_length(attachments) == 1)
			recount_one(&correction);
		else
			error = try_to(recount_one, &correction);
		if (error != NULL)
			warn(lfirst(cell), error);
		else
			corrected += correction.corrected;
	}
	return corrected;
}

static List *
covered_of_child(const Operation *op, Oid child)
{
	Relation	rel;
	List	   *found;

	if (get_rel_name(child) != NULL && !covers_all_tables(op) && !owns(op, child))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(child));
	rel = attachment_open_child(child, AccessShareLock);
	found = attachment_list(rel);
	if (found == NIL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("\"%s\" has no seat limit", RelationGetRelationName(rel)));
	table_close(rel, NoLock);
	return found;
}

static void
require_covered(const Operation *op, List *attachments)
{
	ListCell   *cell;

	foreach(cell, attachments)
	{
		SeatAttachment *attachment = lfirst(cell);

		if (!is_covered(op, attachment))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(attachment->parent));
	}
}

/*
 * license.recount_seats(child regclass DEFAULT NULL) → bigint
 *		Counts again, for one child table or all, and corrects the parents;
 *		returns how many were wrong.  Writers wait until the transaction ends.
 *		If there are several seat limits, one that cannot be recounted is
 *		reported by a WARNING.
 *		Errors: 25001, 42501 for tables of others, 42704 when child has no
 *		seat limit, 42P01, 23514 when a CHECK of the parent forbids the true
 *		count.
 */
Datum
license_recount_seats(PG_FUNCTION_ARGS)
{
	Operation	op;
	List	   *attachments;
	int64		corrected;

	recount_require_fresh_snapshots("recount_seats");
	operation_begin(&op, fcinfo, OP_RECOUNT_SEATS, operation_at());
	if (PG_ARGISNULL(0))
		attachments = covered_of_all(&op);
	else
		attachments = covered_of_child(&op, PG_GETARG_OID(0));
	require_covered(&op, attachments);
	operation_lend_path(&op);
	corrected = recount(attachments);
	operation_take_path(&op);
	operation_end(&op);
	PG_RETURN_INT64(corrected);
}
