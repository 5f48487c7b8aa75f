/*
 * sums.c
 *		What the rows of a running statement take and give back, summed by
 *		parent.
 *
 * The sums are written when the statement ends: one update for each parent, not
 * for each row, makes bulk loads cheap.  Parents are written in the order of
 * their keys, so that two statements with the same parents do not deadlock.
 *
 * Rows are summed one by one, by a row trigger.  With transition tables, every
 * statement would have to copy its rows, even the many that change no count.
 */
#include "counted/sums.h"

#include "common/hashfn.h"
#include "common/int.h"
#include "counted/carry.h"
#include "counted/definition_cache.h"
#include "counted/delta.h"
#include "counted/parent.h"
#include "counted/trigger_depth.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

static uint32 hash_keys(SeatDefinition *def, const Datum *keys);
static bool equal_keys(SeatDefinition *def, const Datum *a, const Datum *b);

#define SH_PREFIX deltas
#define SH_ELEMENT_TYPE SeatDelta
#define SH_KEY_TYPE Datum *
#define SH_KEY keys
#define SH_HASH_KEY(tb, key) hash_keys((SeatDefinition *) (tb)->private_data, key)
#define SH_EQUAL(tb, a, b) equal_keys((SeatDefinition *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint32
hash_keys(SeatDefinition *def, const Datum *keys)
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
equal_keys(SeatDefinition *def, const Datum *a, const Datum *b)
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
	SeatDefinition *def = arg;
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

/* The key that is looked up points into the row; the key that the hash table keeps must be a copy. */
static Datum *
keep_keys(SeatDefinition *def, const Datum *keys)
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
	SeatDefinition *def;		/* held: its functions hash and compare the keys */
	int			depth;			/* trigger depth of the statement, which tells it from others that run */
	MemoryContext context;
	deltas_hash *sums;
	MemoryContextCallback forget;
} PendingSums;

static PendingSums *pending = NULL;

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

/* The sums belong to the subtransaction: if it aborts, they are forgotten with it. */
static PendingSums *
add_pending(SeatDefinition *def, int depth)
{
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "seats of a statement",
												  ALLOCSET_START_SMALL_SIZES);
	PendingSums *added = MemoryContextAllocZero(context, sizeof(PendingSums));

	added->def = def;
	added->depth = depth;
	added->context = context;
	added->sums = deltas_create(context, 16, def);
	/* Callbacks run in reverse order: the one below forgets the sums before this one lets go of the definition. */
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

/*
 * Raises 55006 when the definition is of a foreign key with other keys than the
 * sums.  Locks prevent that: no foreign key changes while a statement writes
 * its table.
 */
static void
require_same_keys(SeatDefinition *old, SeatDefinition *new)
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

/* The definition may have been resolved again between two rows of the statement. */
static void
renew_definition(PendingSums *sums, SeatDefinition *def)
{
	if (sums->def == def)
		return;
	require_same_keys(sums->def, def);
	kept_hold(&def->kept, sums->context);
	sums->def = def;
	sums->sums->private_data = def;
}

static PendingSums *
pending_sums(SeatDefinition *def)
{
	int			depth = carry_depth();
	PendingSums *sums = find_pending(def->constraint, depth);

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
sums_add(SeatDefinition *def, const Datum *keys, int64 units, int64 largest)
{
	SeatDelta  *delta = delta_of(pending_sums(def), keys);

	if (pg_add_s64_overflow(delta->units, units, &delta->units))
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("seat count is out of range"));
	delta->largest = Max(delta->largest, largest);
}

/* Parents whose sum is zero are left out, so an UPDATE that changes no seats does not lock its parents. */
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
	SeatDefinition *def;

	if (count == 0)
		return;
	def = definition_cache_find_locked(trigger, sums->context);
	require_same_keys(sums->def, def);
	if (count > 1)
		qsort_arg(changed, count, sizeof(SeatDelta *), compare_deltas, def);
	parent_apply(def, changed, count);
}

void
sums_write(TriggerData *trigger)
{
	PendingSums *sums;
	MemoryContext caller;

	if (pending == NULL)
		return;
	sums = find_pending(definition_cache_find(trigger)->constraint, trigger_depth());
	if (sums == NULL)
		return;
	caller = MemoryContextSwitchTo(sums->context);
	write_sums(sums, trigger);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(sums->context);
}
