/*
 * kept.h
 *		What a backend keeps for later calls.  It is never changed, only replaced
 *		as a whole.  It is freed once neither the cache nor a holder refers to it.
 *
 * A caller that runs code of others (CHECKs, triggers, expressions) must hold
 * what it uses, because a nested statement may replace it in the cache.
 */
#ifndef LICENSE_KEPT_H
#define LICENSE_KEPT_H

#include "core/row_write.h"

typedef struct Kept
{
	MemoryContext context;		/* all of it lives here */
	RowChecks  *checks;			/* of its table; NULL until they are needed */
	bool		valid;			/* no table it was read from has changed since */
	bool		cached;
	int			holds;
} Kept;

/* The cache refers to it until kept_let_go(). */
extern void kept_cache(Kept *kept);
extern void kept_let_go(Kept *kept);

/* The caller holds it until the context is reset or deleted, which also happens when a (sub)transaction aborts. */
extern void kept_hold(Kept *kept, MemoryContext context);

/* Returns false if a table it was read from or a function that the CHECKs call has changed. */
extern bool kept_is_true(const Kept *kept);

/* Plans the CHECKs of rel that read a column (0: all), once.  Call it as the owner of rel. */
extern const RowChecks *kept_checks(Kept *kept, Relation rel, AttrNumber column);

#endif							/* LICENSE_KEPT_H */
