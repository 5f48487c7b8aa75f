/*
 * operation.c
 *		The frame around every SQL-callable operation.
 */
#include "core/operation.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "core/settings.h"
#include "core/version.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Operations nest only through triggers, so the bound is far away. */
#define MAX_DEPTH 64

static const char *const names[] = {
	NULL,						/* OP_NONE */
#define OPERATION(symbol, name) name,
#include "core/operation.def"
#undef OPERATION
};

typedef struct OperationFrame
{
	OperationId id;
	TimestampTz at;
	int			nest_level;		/* transaction nesting where it began */
} OperationFrame;

static OperationCheck check_call;
static OperationFrame frames[MAX_DEPTH];
static int	depth = 0;

/* A frame that an error jumped over must not name later changes. */
static void
forget_frames_of(int nest_level)
{
	while (depth > 0 && frames[depth - 1].nest_level >= nest_level)
		depth--;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		depth = 0;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_frames_of(GetCurrentTransactionNestLevel());
}

void
operation_init(OperationCheck check)
{
	check_call = check;
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static Oid
function_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

static void
push_frame(OperationId id, TimestampTz at)
{
	if (depth == MAX_DEPTH)
		ereport(ERROR,
				errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				errmsg("licensing operations are nested too deeply"));
	frames[depth].id = id;
	frames[depth].at = at;
	frames[depth].nest_level = GetCurrentTransactionNestLevel();
	depth++;
}

static OperationId
running(void)
{
	return depth > 0 ? frames[depth - 1].id : OP_NONE;
}

static void
begin(Operation *op, FunctionCallInfo fcinfo, OperationId id, TimestampTz at)
{
	version_check();
	push_frame(id, at);
	GetUserIdAndSecContext(&op->caller, &op->caller_context);
	op->owner = function_owner(fcinfo->flinfo->fn_oid);
	SetUserIdAndSecContext(op->owner, op->caller_context | SECURITY_LOCAL_USERID_CHANGE);
	op->path_level = search_path_restrict();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
operation_begin_unchecked(Operation *op, FunctionCallInfo fcinfo)
{
	begin(op, fcinfo, running(), operation_at());
}

void
operation_begin_trigger(Operation *op, FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "function %u was not called as a trigger", fcinfo->flinfo->fn_oid);
	begin(op, fcinfo, running(), operation_at());
}

/* Raises 25006 before anything is done, for instance on a standby. */
static void
refuse_if_read_only(FunctionCallInfo fcinfo, OperationId id)
{
	if (XactReadOnly && !CALLED_AS_TRIGGER(fcinfo) &&
		func_volatile(fcinfo->flinfo->fn_oid) == PROVOLATILE_VOLATILE)
		PreventCommandIfReadOnly(psprintf("license.%s()", names[id]));
}

/* Changes need a finite timestamp; read-only calls accept infinity. */
static void
refuse_if_infinite(FunctionCallInfo fcinfo, OperationId id, TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at) && !CALLED_AS_TRIGGER(fcinfo) &&
		func_volatile(fcinfo->flinfo->fn_oid) == PROVOLATILE_VOLATILE)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the moment of license.%s() must be finite", names[id]));
}

/* EXECUTE says whether a role may call the function at all, check_call() for which accounts. */
void
operation_begin(Operation *op, FunctionCallInfo fcinfo, OperationId id, TimestampTz at)
{
	refuse_if_read_only(fcinfo, id);
	refuse_if_infinite(fcinfo, id, at);
	begin(op, fcinfo, id, at);
	if (op->caller != op->owner && !CALLED_AS_TRIGGER(fcinfo) && !superuser_arg(op->caller))
		check_call(fcinfo, op->caller, at);
}

void
operation_end(Operation *op)
{
	SPI_finish();
	search_path_restore(op->path_level);
	SetUserIdAndSecContext(op->caller, op->caller_context);
	depth--;
}

Datum
operation_keep_varlena(Datum value)
{
	return SPI_datumTransfer(value, false, -1);
}

void
operation_lend_path(Operation *op)
{
	search_path_restore(op->path_level);
}

void
operation_take_path(Operation *op)
{
	op->path_level = search_path_restrict();
}

bool
operation_is(OperationId id)
{
	return running() == id;
}

const char *
operation_name(void)
{
	return names[running()];
}

const char *
operation_name_of(OperationId id)
{
	return names[id];
}

TimestampTz
operation_at(void)
{
	return depth > 0 ? frames[depth - 1].at : GetCurrentTransactionStartTimestamp();
}

char *
operation_actor(void)
{
	if (actor_setting != NULL && actor_setting[0] != '\0')
		return actor_setting;
	return GetUserNameFromId(GetOuterUserId(), false);
}
