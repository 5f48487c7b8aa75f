/*
 * seat_pending.c
 *		What a running statement has changed so far, summed by parent.
 *
 * One update a parent and statement, instead of one a row, is what makes bulk
 * loads cheap; going through the parents in the order of their key is what
 * keeps two statements with the same parents from deadlocking.
 *
 * A statement is summed row by row and written at its end.  Transition tables
 * would make every statement copy its rows, also the many that change no count.
 */
#include "counted/seat_limit.h"

#include "common/hashfn.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

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

/* The lookup key borrows the row's values; a kept one must own them. */
static Datum *
keep_keys(SeatLimitDef *def, const Datum *keys)
{
	Datum	   *kept = palloc(sizeof(Datum) * def->nkeys);

	for (int i = 0; i < def->nkeys; i++)
		kept[i] = datumCopy(keys[i], def->keys[i].byval, def->keys[i].len);
	return kept;
}

/* What the rows of a running statement have changed so far */
typedef struct PendingSums
{
	struct PendingSums *next;
	SeatLimitDef *def;			/* held: the sums are hashed by its functions */
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

static PendingSums *
find_pending(Oid constraint, int depth)
{
	PendingSums *sums = pending;

	while (sums != NULL && (sums->def->constraint != constraint || sums->depth != depth))
		sums = sums->next;
	return sums;
}

static void
forget_pending(void *arg)
{
	PendingSums **link = &pending;

	while (*link != NULL && *link != arg)
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

/* They live and die with the subtransaction: what failed leaves nothing to be written. */
static PendingSums *
add_pending(SeatLimitDef *def, int depth)
{
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "seats of a statement",
												  ALLOCSET_START_SMALL_SIZES);
	PendingSums *added = MemoryContextAllocZero(context, sizeof(PendingSums));

	added->def = def;
	added->depth = depth;
	added->context = context;
	added->sums = deltas_create(context, 16, def);
	/* Callbacks run in reverse order: the sums are forgotten before the definition is let go. */
	kept_hold(&def->kept, context);
	added->forget.func = forget_pending;
	added->forget.arg = added;
	MemoryContextRegisterResetCallback(context, &added->forget);
	added->next = pending;
	pending = added;
	return added;
}

static bool
same_key(const SeatKey *a, const SeatKey *b)
{
	return a->child_attnum == b->child_attnum && a->parent_attnum == b->parent_attnum &&
		a->collation == b->collation && a->hash.fn_oid == b->hash.fn_oid &&
		a->compare.fn_oid == b->compare.fn_oid;
}

/* The foreign key of a table cannot change while a statement writes the table. */
static void
require_same_keys(SeatLimitDef *old, SeatLimitDef *new)
{
	bool		same = old->parent == new->parent && old->nkeys == new->nkeys;

	for (int i = 0; same && i < new->nkeys; i++)
		same = same_key(&old->keys[i], &new->keys[i]);
	if (!same)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("the foreign key of \"%s\" changed while a statement counted its seats",
					   get_rel_name(old->child)));
}

/* The same tables may have been resolved again between two rows. */
static void
renew_definition(PendingSums *sums, SeatLimitDef *def)
{
	if (sums->def == def)
		return;
	require_same_keys(sums->def, def);
	kept_hold(&def->kept, sums->context);
	sums->def = def;
	sums->sums->private_data = def;
}

static PendingSums *
pending_sums(SeatLimitDef *def)
{
	int			depth = current_depth();
	PendingSums *sums;

	if (depth == carry.depth)
		depth = carry.into;
	sums = find_pending(def->constraint, depth);
	if (sums == NULL)
		return add_pending(def, depth);
	renew_definition(sums, def);
	return sums;
}

static SeatDelta *
delta_of(PendingSums *sums, const Datum *keys)
{
	MemoryContext caller = MemoryContextSwitchTo(sums->context);
	bool		found;
	SeatDelta  *delta = deltas_insert(sums->sums, unconstify(Datum *, keys), &found);

	if (!found)
	{
		delta->keys = keep_keys(sums->def, keys);
		delta->units = 0;
		delta->largest = 0;
	}
	MemoryContextSwitchTo(caller);
	return delta;
}

void
seat_pending_add(SeatLimitDef *def, const Datum *keys, int64 units, int64 largest)
{
	SeatDelta  *delta = delta_of(pending_sums(def), keys);

	if (pg_add_s64_overflow(delta->units, units, &delta->units))
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("seat count is out of range"));
	delta->largest = Max(delta->largest, largest);
}

/* Parents whose sum is zero are left alone: a device renamed is no business of theirs. */
static SeatDelta **
changed_parents(PendingSums *sums, int *count)
{
	SeatDelta **changed = palloc(sizeof(SeatDelta *) * Max(sums->sums->members, 1));
	deltas_iterator scan;
	SeatDelta  *delta;

	*count = 0;
	deltas_start_iterate(sums->sums, &scan);
	while ((delta = deltas_iterate(sums->sums, &scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (delta->units != 0)
			changed[(*count)++] = delta;
	}
	return changed;
}

static void
write_sums(PendingSums *sums, TriggerData *trigger)
{
	int			count;
	SeatDelta **changed = changed_parents(sums, &count);
	SeatLimitDef *def;

	if (count == 0)
		return;
	def = seat_limit_resolve_locked(trigger, sums->context);
	require_same_keys(sums->def, def);
	if (count > 1)
		qsort_arg(changed, count, sizeof(SeatDelta *), compare_deltas, def);
	seat_parents_apply(def, changed, count);
}

void
seat_pending_write(TriggerData *trigger)
{
	PendingSums *sums;
	MemoryContext caller;

	if (pending == NULL)
		return;
	sums = find_pending(seat_limit_resolve(trigger)->constraint, current_depth());
	if (sums == NULL)
		return;
	caller = MemoryContextSwitchTo(sums->context);
	write_sums(sums, trigger);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(sums->context);
}
