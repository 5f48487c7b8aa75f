/*
 * definition_cache.h
 *		Definitions of counted foreign keys, kept once per backend.
 */
#ifndef LICENSE_COUNTED_DEFINITION_CACHE_H
#define LICENSE_COUNTED_DEFINITION_CACHE_H

#include "counted/definition.h"

/*
 * The definition that belongs to a fired trigger of the child.  The next call
 * may free it, unless the caller holds it with kept_hold().  What it says about
 * the child is true, because the running statement has locked the child; the
 * parent may change.  Raises what definition_build() raises.
 */
extern SeatDefinition *definition_cache_find(TriggerData *trigger);

/*
 * Also locks the parent for writing, so that the definition stays true while the
 * statement runs, and holds it until the memory context is reset or deleted.
 */
extern SeatDefinition *definition_cache_find_locked(TriggerData *trigger, MemoryContext context);

#endif							/* LICENSE_COUNTED_DEFINITION_CACHE_H */
