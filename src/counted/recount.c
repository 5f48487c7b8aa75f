/*
 * recount.c
 *		Counts the children of one counted foreign key, to compare or correct
 *		the recorded counts.
 *
 * The child is read as the child's owner, from whom row-level security hides no
 * rows; the parent is read and written as the parent's owner.  The result of the
 * first statement is passed to the second one as the relation "counted".
 */
#include "counted/recount.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "counted/count_sql.h"
#include "counted/maintenance.h"
#include "counted/message.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

void
recount_require_fresh_snapshots(const char *function)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("license.%s() must run at isolation level READ COMMITTED", function));
}

/* One count of the child, and the statement over the parent that follows */
typedef struct Count
{
	SeatAttachment *attachment;
	bool		read_only;
	MemoryContext context;
	TupleDesc	desc;
	Tuplestorestate *counted;
	const char *sql;			/* the statement over the parent and "counted" */
	RecountReader reader;
	void	   *result;
	uint64		processed;
} Count;

/* The columns of "counted": the keys with the types of the child, and units */
static TupleDesc
counted_desc(SeatAttachment *attachment)
{
	int			nkeys = attachment->nkeys;
	TupleDesc	desc = CreateTemplateTupleDesc(nkeys + 1);

	for (int i = 0; i < nkeys; i++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(attachment->child, attachment->child_attnums[i],
							  &type, &typmod, &collation);
		TupleDescInitEntry(desc, i + 1, psprintf("k%d", i), type, typmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, collation);
	}
	TupleDescInitEntry(desc, nkeys + 1, "units", INT8OID, -1, 0);
	return desc;
}

static void
connect(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

static void
count_children(void *argument)
{
	Count	   *count = argument;
	SPIExecuteOptions options = {.read_only = count->read_only};

	connect();
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, count->counted, count->context, true, NULL, NULL);
	if (SPI_execute_extended(count_sql_children(count->attachment), &options) != SPI_OK_SELECT)
		elog(ERROR, "could not count seats");
	SPI_finish();
}

static void
register_counted(Count *count)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = "counted";
	relation->md.tupdesc = count->desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = tuplestore_tuple_count(count->counted);
	relation->reldata = count->counted;
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not pass counted seats on");
}

static void
run_over_parents(void *argument)
{
	Count	   *count = argument;

	connect();
	register_counted(count);
	if (!count->read_only)
		maintenance_execute(count->attachment->parent, count->sql, 0, NULL, NULL);
	else if (SPI_execute(count->sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not check seats");
	count->processed = SPI_processed;
	for (uint64 i = 0; count->reader != NULL && i < SPI_tuptable->numvals; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count->reader(count->attachment, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, count->result);
	}
	SPI_finish();
}

static void
run_as_owner(Oid relation, OwnerSecurity security, OwnerWork work, Count *count)
{
	Relation	rel = table_open(relation, AccessShareLock);

	owner_run(rel, security, work, count);
	table_close(rel, NoLock);
}

static void
run(Count *count, OwnerSecurity security)
{
	count->context = CurrentMemoryContext;
	count->desc = counted_desc(count->attachment);
	count->counted = tuplestore_begin_heap(false, false, work_mem);
	run_as_owner(count->attachment->child, security, count_children, count);
	run_as_owner(count->attachment->parent, security, run_over_parents, count);
	tuplestore_end(count->counted);
}

void
recount_read(SeatAttachment *attachment, const char *sql, RecountReader reader, void *result)
{
	Count		count = {.attachment = attachment, .read_only = true, .sql = sql,
	.reader = reader, .result = result};

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	run(&count, OWNER_RESTRICTED);
	PopActiveSnapshot();
}

uint64
recount_correct(SeatAttachment *attachment, OwnerSecurity security)
{
	Count		count = {.attachment = attachment, .sql = count_sql_correction(attachment)};

	run(&count, security);
	return count.processed;
}

char *
recount_row_key(SeatAttachment *attachment, HeapTuple row, TupleDesc desc)
{
	NullableDatum keys[INDEX_MAX_KEYS];
	Relation	parent = table_open(attachment->parent, AccessShareLock);
	char	   *text;

	for (int i = 0; i < attachment->nkeys; i++)
		keys[i].value = SPI_getbinval(row, desc, i + 1, &keys[i].isnull);
	text = message_key(RelationGetDescr(parent), attachment->nkeys, attachment->parent_attnums, keys);
	table_close(parent, NoLock);
	return text;
}
