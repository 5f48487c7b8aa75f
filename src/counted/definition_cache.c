/*
 * definition_cache.c
 *		Definitions of counted foreign keys, kept once per backend.
 *
 * A definition may become outdated while it is in use: a CHECK or trigger of
 * the parent may write or alter the same tables, and other sessions may alter
 * the parent until it is locked.  Therefore a definition is never changed.  It
 * is replaced by a new one, and freed when nothing holds it any more.
 */
#include "counted/definition_cache.h"

#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"

typedef struct CacheEntry
{
	Oid			trigger;		/* hash key */
	SeatDefinition *def;
} CacheEntry;

static HTAB *definitions = NULL;
static uint64 changes = 0;		/* number of invalidation messages so far */

/* Any change of child or parent may change the definition. */
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

/*
 * A planned CHECK contains results of IMMUTABLE functions, but does not record
 * that it depends on them.  So any changed function outdates all definitions.
 */
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
replace(CacheEntry *entry, SeatDefinition *def)
{
	SeatDefinition *replaced = entry->def;

	kept_cache(&def->kept);
	entry->def = def;
	if (replaced != NULL)
		kept_let_go(&replaced->kept);
}

SeatDefinition *
definition_cache_find(TriggerData *trigger)
{
	Oid			oid = trigger->tg_trigger->tgoid;
	CacheEntry *entry;
	SeatDefinition *def;
	uint64		before;
	bool		found;

	if (definitions == NULL)
		create_cache();
	entry = hash_search(definitions, &oid, HASH_FIND, NULL);
	if (entry != NULL && kept_is_true(&entry->def->kept))
		return entry->def;
	before = changes;
	def = definition_build(trigger->tg_relation, trigger->tg_trigger);
	/* The definition may or may not include a change made while it was built: then the next call builds it again. */
	def->kept.valid = changes == before;
	entry = hash_search(definitions, &oid, HASH_ENTER, &found);
	if (!found)
		entry->def = NULL;
	replace(entry, def);
	return def;
}

/*
 * A definition resolved after the parent was locked stays true: other sessions
 * cannot alter the tables, and neither can this one while it has them open.
 */
SeatDefinition *
definition_cache_find_locked(TriggerData *trigger, MemoryContext context)
{
	Oid			locked = InvalidOid;

	for (;;)
	{
		SeatDefinition *def = definition_cache_find(trigger);

		if (def->parent != locked)
		{
			locked = def->parent;
			/* This also receives the invalidation messages of all changes made before the lock was granted. */
			LockRelationOid(locked, RowExclusiveLock);
			if (!kept_is_true(&def->kept))
				continue;
		}
		kept_hold(&def->kept, context);
		return def;
	}
}
