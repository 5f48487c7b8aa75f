/*
 * seat_count.c
 *		The triggers of a counted foreign key: what a statement changed, summed
 *		by parent.
 *
 * One update a parent and statement, instead of one a row, is what makes bulk
 * loads cheap; going through the parents in the order of their key is what
 * keeps two statements with the same parents from deadlocking.
 *
 * A statement is summed row by row and written at its end.  Transition tables
 * would make every statement copy its rows, also the many that change no count.
 */
#include "seat_limit.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "seat_trigger.h"
#include "trigger_util.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(license_seat_count_trg);
PG_FUNCTION_INFO_V1(license_seat_row_trg);

static uint32 hash_keys(SeatLimitDef *def, const Datum *keys);
static bool equal_keys(SeatLimitDef *def, const Datum *a, const Datum *b);

#define SH_PREFIX deltas
#define SH_ELEMENT_TYPE SeatDelta
#define SH_KEY_TYPE Datum *
#define SH_KEY keys
#define SH_HASH_KEY(tb, key) hash_keys((SeatLimitDef *) (tb)->private_data, key)
#define SH_EQUAL(tb, a, b) equal_keys((SeatLimitDef *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint32
hash_keys(SeatLimitDef *def, const Datum *keys)
{
	uint64		hash = 0;

	for (int i = 0; i < def->nkeys; i++)
	{
		SeatKey    *key = &def->keys[i];
		uint64		part = def->integer_keys ? (uint64) keys[i] :
			DatumGetUInt32(FunctionCall1Coll(&key->hash, key->collation, keys[i]));

		hash = hash_combine64(hash, part);
	}
	return murmurhash32((uint32) (hash ^ (hash >> 32)));
}

static bool
equal_keys(SeatLimitDef *def, const Datum *a, const Datum *b)
{
	for (int i = 0; i < def->nkeys; i++)
	{
		SeatKey    *key = &def->keys[i];

		if (a[i] == b[i] && key->byval)
			continue;
		if (def->integer_keys ||
			!DatumGetBool(FunctionCall2Coll(&key->equal, key->collation, a[i], b[i])))
			return false;
	}
	return true;
}

static int
compare_deltas(const void *a, const void *b, void *arg)
{
	SeatLimitDef *def = arg;
	const SeatDelta *one = *(SeatDelta *const *) a;
	const SeatDelta *two = *(SeatDelta *const *) b;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < def->nkeys; i++)
	{
		SeatKey    *key = &def->keys[i];
		int			result;

		if (def->integer_keys)
			result = (int64) one->keys[i] < (int64) two->keys[i] ? -1 :
				(int64) one->keys[i] > (int64) two->keys[i];
		else
			result = DatumGetInt32(FunctionCall2Coll(&key->compare, key->collation,
													 one->keys[i], two->keys[i]));
		if (result != 0)
			return result;
	}
	return 0;
}

/* The parent's key of a child row; false when it has none and takes no seat */
static bool
read_keys(SeatLimitDef *def, TupleTableSlot *row, Datum *keys)
{
	for (int i = 0; i < def->nkeys; i++)
	{
		int			column = def->keys[i].child_attnum - 1;

		if (row->tts_isnull[column])
			return false;
		keys[i] = row->tts_values[column];
	}
	return true;
}

static int64
read_weight(SeatLimitDef *def, TupleTableSlot *row)
{
	int			column = def->weight.attnum - 1;
	int64		weight;

	if (def->weight.attnum == 0)
		return 1;
	if (row->tts_isnull[column])
		return 0;
	weight = seat_integer(row->tts_values[column], def->weight.type);
	if (weight < 0)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("a row cannot take " INT64_FORMAT " seats", weight));
	return weight;
}

/* The lookup key borrows the row's values; a kept one must own them. */
static Datum *
keep_keys(SeatLimitDef *def, const Datum *keys)
{
	Datum	   *kept = palloc(sizeof(Datum) * def->nkeys);

	for (int i = 0; i < def->nkeys; i++)
		kept[i] = datumCopy(keys[i], def->keys[i].byval, def->keys[i].len);
	return kept;
}

/* Parents whose sum is zero are left alone: a device renamed is no business of theirs. */
static void
apply_sums(SeatLimitDef *def, deltas_hash *sums)
{
	SeatDelta **sorted = palloc(sizeof(SeatDelta *) * Max(sums->members, 1));
	int			count = 0;
	deltas_iterator scan;
	SeatDelta  *delta;

	deltas_start_iterate(sums, &scan);
	while ((delta = deltas_iterate(sums, &scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (delta->units != 0)
			sorted[count++] = delta;
	}
	if (count == 0)
		return;
	if (count > 1)
		qsort_arg(sorted, count, sizeof(SeatDelta *), compare_deltas, def);
	seat_parents_apply(def, sorted, count);
}

/* What the rows of a running statement have changed so far */
typedef struct PendingSums
{
	struct PendingSums *next;
	Oid			constraint;
	int			depth;			/* of nested triggers: which statement it is */
	MemoryContext context;
	deltas_hash *sums;
	MemoryContextCallback forget;
} PendingSums;

static PendingSums *pending = NULL;
static SeatCarry carry = {0};

static int
current_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/* Who carries may be carried: all of it is for the outermost, whose end is still to come. */
SeatCarry
seat_carry_begin(void)
{
	SeatCarry	outer = carry;
	int			depth = current_depth();

	carry.into = depth == outer.depth ? outer.into : depth;
	carry.depth = depth + 1;
	return outer;
}

void
seat_carry_end(SeatCarry outer)
{
	carry = outer;
}

static PendingSums **
find_pending(Oid constraint, int depth)
{
	PendingSums **link = &pending;

	while (*link != NULL && ((*link)->constraint != constraint || (*link)->depth != depth))
		link = &(*link)->next;
	return link;
}

static void
forget_pending(void *arg)
{
	PendingSums *gone = arg;
	PendingSums **link = find_pending(gone->constraint, gone->depth);

	if (*link == gone)
		*link = gone->next;
}

/* They live and die with the subtransaction: what failed leaves nothing to be written. */
static PendingSums *
add_pending(SeatLimitDef *def, int depth)
{
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "seats of a statement",
												  ALLOCSET_START_SMALL_SIZES);
	PendingSums *added = MemoryContextAllocZero(context, sizeof(PendingSums));

	added->constraint = def->constraint;
	added->depth = depth;
	added->context = context;
	added->sums = deltas_create(context, 16, def);
	added->forget.func = forget_pending;
	added->forget.arg = added;
	MemoryContextRegisterResetCallback(context, &added->forget);
	added->next = pending;
	pending = added;
	return added;
}

static bool
same_column(TupleTableSlot *old, TupleTableSlot *new, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(old->tts_tupleDescriptor, attnum - 1);
	int			column = attnum - 1;

	if (old->tts_isnull[column] || new->tts_isnull[column])
		return old->tts_isnull[column] == new->tts_isnull[column];
	return datumIsEqual(old->tts_values[column], new->tts_values[column],
						att->attbyval, att->attlen);
}

/* The rows are compared, not the statement's column list: a BEFORE trigger may change what it does not name. */
static bool
same_seats(SeatLimitDef *def, TupleTableSlot *old, TupleTableSlot *new)
{
	slot_getsomeattrs(old, def->last_child_attnum);
	slot_getsomeattrs(new, def->last_child_attnum);
	for (int i = 0; i < def->nkeys; i++)
	{
		if (!same_column(old, new, def->keys[i].child_attnum))
			return false;
	}
	return def->weight.attnum == 0 || same_column(old, new, def->weight.attnum);
}

static PendingSums *
pending_sums(SeatLimitDef *def)
{
	int			depth = current_depth();
	PendingSums *sums;

	if (depth == carry.depth)
		depth = carry.into;
	sums = *find_pending(def->constraint, depth);
	return sums != NULL ? sums : add_pending(def, depth);
}

static SeatDelta *
delta_of(SeatLimitDef *def, const Datum *keys)
{
	PendingSums *sums = pending_sums(def);
	MemoryContext caller = MemoryContextSwitchTo(sums->context);
	bool		found;
	SeatDelta  *delta = deltas_insert(sums->sums, unconstify(Datum *, keys), &found);

	if (!found)
	{
		delta->keys = keep_keys(def, keys);
		delta->units = 0;
		delta->largest = 0;
	}
	MemoryContextSwitchTo(caller);
	return delta;
}

static void
count_row(SeatLimitDef *def, TupleTableSlot *row, int sign)
{
	Datum		keys[INDEX_MAX_KEYS];
	SeatDelta  *delta;
	int64		weight;

	slot_getsomeattrs(row, def->last_child_attnum);
	weight = read_weight(def, row);
	if (weight == 0 || !read_keys(def, row, keys))
		return;
	delta = delta_of(def, keys);
	if (pg_add_s64_overflow(delta->units, sign * weight, &delta->units))
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("seat count is out of range"));
	if (sign > 0)
		delta->largest = Max(delta->largest, weight);
}

static void
write_pending(TriggerData *trigger)
{
	SeatLimitDef *def;
	PendingSums *sums;
	MemoryContext caller;

	if (pending == NULL)
		return;
	def = seat_limit_resolve(trigger);
	sums = *find_pending(def->constraint, current_depth());
	if (sums == NULL)
		return;
	caller = MemoryContextSwitchTo(sums->context);
	apply_sums(def, sums->sums);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(sums->context);
}

static TriggerData *
check_count_trigger(FunctionCallInfo fcinfo, const char *name, TriggerEvent timing, int events)
{
	TriggerData *trigger = check_trigger(fcinfo, name, timing, events, -1);

	if (trigger->tg_trigger->tgnargs <= SEAT_ARG_KEYS)
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("seat triggers are made by license.attach_seat_limit()"));
	return trigger;
}

/*
 * license._seat_row_trg() → trigger
 *		After each row that a statement wrote to the child of a counted foreign
 *		key: notes what it takes and gives back, for _seat_count_trg() to write
 *		when the statement ends.  Arguments as there.
 *		Errors: 0A000 the table or its foreign key became one that cannot be
 *		counted; 42703, 42704, 55000 columns or foreign key were renamed or
 *		dropped; 39P01 not called as this trigger.  M11, M12.
 */
Datum
license_seat_row_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_count_trigger(fcinfo, "_seat_row_trg",
											   TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											   ON_INSERT | ON_UPDATE | ON_DELETE);
	SeatLimitDef *def = seat_limit_resolve(trigger);

	CHECK_FOR_INTERRUPTS();
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		count_row(def, trigger->tg_trigslot, +1);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		count_row(def, trigger->tg_trigslot, -1);
	else if (!same_seats(def, trigger->tg_trigslot, trigger->tg_newslot))
	{
		count_row(def, trigger->tg_trigslot, -1);
		count_row(def, trigger->tg_newslot, +1);
	}
	return PointerGetDatum(NULL);
}

/*
 * license._seat_count_trg() → trigger
 *		After each statement on the child of a counted foreign key: adds what
 *		it changed to the parents' used column.  Arguments: used column, limit
 *		column, weight column ('' is none), then the child's key columns.
 *		Errors: LX001 limit exceeded, LX002 one row asks for more than the
 *		limit, 23503 parent gone, 39P01 not called as this trigger.  M11, M12.
 */
Datum
license_seat_count_trg(PG_FUNCTION_ARGS)
{
	write_pending(check_count_trigger(fcinfo, "_seat_count_trg", TRIGGER_EVENT_AFTER,
									  ON_INSERT | ON_UPDATE | ON_DELETE));
	return PointerGetDatum(NULL);
}
