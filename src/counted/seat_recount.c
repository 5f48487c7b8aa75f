/*
 * seat_recount.c
 *		Counts the children of one counted foreign key and compares or corrects
 *		what their parents say.
 *
 * The child is read as the child's owner, whose row-level policies do not hide
 * rows from it, and the parent is read and written as the parent's owner.  What
 * was counted goes from one to the other as the relation "counted".
 */
#include "counted/seat_attachment.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

/* One run over both tables */
typedef struct Count
{
	SeatAttachment *attachment;
	bool		read_only;
	MemoryContext context;
	TupleDesc	desc;
	Tuplestorestate *counted;
	const char *sql;			/* over the parents and "counted" */
	SeatRowReader reader;
	void	   *result;
	uint64		processed;
} Count;

/* The keys as the child has them, and units */
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
	if (SPI_execute_extended(seat_counted_sql(count->attachment), &options) != SPI_OK_SELECT)
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
		seat_execute(count->attachment->parent, count->sql, 0, NULL, NULL);
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
run_as_owner(Oid relation, SeatSecurity security, SeatWork work, Count *count)
{
	Relation	rel = table_open(relation, AccessShareLock);

	seat_run_as_owner(rel, security, work, count);
	table_close(rel, NoLock);
}

static void
run(Count *count, SeatSecurity security)
{
	count->context = CurrentMemoryContext;
	count->desc = counted_desc(count->attachment);
	count->counted = tuplestore_begin_heap(false, false, work_mem);
	run_as_owner(count->attachment->child, security, count_children, count);
	run_as_owner(count->attachment->parent, security, run_over_parents, count);
	tuplestore_end(count->counted);
}

void
seat_read_parents(SeatAttachment *attachment, const char *sql, SeatRowReader reader, void *result)
{
	Count		count = {.attachment = attachment, .read_only = true, .sql = sql,
	.reader = reader, .result = result};

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	run(&count, SEAT_RESTRICTED);
	PopActiveSnapshot();
}

uint64
seat_recount(SeatAttachment *attachment, SeatSecurity security)
{
	Count		count = {.attachment = attachment, .sql = seat_recount_sql(attachment)};

	run(&count, security);
	return count.processed;
}

char *
seat_row_key_text(SeatAttachment *attachment, HeapTuple row, TupleDesc desc)
{
	NullableDatum keys[INDEX_MAX_KEYS];
	Relation	parent = table_open(attachment->parent, AccessShareLock);
	char	   *text;

	for (int i = 0; i < attachment->nkeys; i++)
		keys[i].value = SPI_getbinval(row, desc, i + 1, &keys[i].isnull);
	text = seat_key_text(RelationGetDescr(parent), attachment->nkeys, attachment->parent_attnums, keys);
	table_close(parent, NoLock);
	return text;
}
