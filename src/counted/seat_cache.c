/*
 * seat_cache.c
 *		Keeps what seat triggers count, once per backend.
 *
 * Anything may happen while a definition is in use: a CHECK or trigger of the
 * parent may write the same tables again or change them, and others change the
 * parent until it is locked.  So a definition is never changed.  A new one
 * takes its place, and the old one is freed when nobody holds it.
 */
#include "counted/seat_limit.h"

#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"

typedef struct CacheEntry
{
	Oid			trigger;		/* hash key */
	SeatLimitDef *def;
} CacheEntry;

static HTAB *definitions = NULL;
static uint64 changes = 0;		/* of relations, that this backend has heard of */

/* A change of either table may change everything a definition says. */
static void
forget_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	CacheEntry *entry;

	changes++;
	hash_seq_init(&scan, definitions);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (relid == InvalidOid || relid == entry->def->child || relid == entry->def->parent)
			entry->def->kept.valid = false;
	}
}

/* A result of an IMMUTABLE function is part of a planned CHECK, and no dependency of it. */
static void
forget_function(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_relation(arg, InvalidOid);
}

static void
create_cache(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(CacheEntry)};

	definitions = hash_create("license_ext seat limits", 16, &control,
							  HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_function, (Datum) 0);
}

static void
replace(CacheEntry *entry, SeatLimitDef *def)
{
	SeatLimitDef *replaced = entry->def;

	kept_cache(&def->kept);
	entry->def = def;
	if (replaced != NULL)
		kept_let_go(&replaced->kept);
}

SeatLimitDef *
seat_limit_resolve(TriggerData *trigger)
{
	Oid			oid = trigger->tg_trigger->tgoid;
	CacheEntry *entry;
	SeatLimitDef *def;
	uint64		before;
	bool		found;

	if (definitions == NULL)
		create_cache();
	entry = hash_search(definitions, &oid, HASH_FIND, NULL);
	if (entry != NULL && kept_is_true(&entry->def->kept))
		return entry->def;
	before = changes;
	def = seat_limit_build(trigger->tg_relation, trigger->tg_trigger);
	/* What changed meanwhile may be in it or not: the next one who asks has it built again. */
	def->kept.valid = changes == before;
	entry = hash_search(definitions, &oid, HASH_ENTER, &found);
	if (!found)
		entry->def = NULL;
	replace(entry, def);
	return def;
}

/*
 * What is resolved after the parent is locked needs no further look: nobody
 * else can change the tables now, and this session not while it has them open.
 */
SeatLimitDef *
seat_limit_resolve_locked(TriggerData *trigger, MemoryContext context)
{
	Oid			locked = InvalidOid;

	for (;;)
	{
		SeatLimitDef *def = seat_limit_resolve(trigger);

		if (def->parent != locked)
		{
			locked = def->parent;
			/* Hears of all changes that were made before the lock was to be had. */
			LockRelationOid(locked, RowExclusiveLock);
			if (!kept_is_true(&def->kept))
				continue;
		}
		kept_hold(&def->kept, context);
		return def;
	}
}
