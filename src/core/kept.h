/*
 * kept.h
 *		Something a backend keeps for later calls.  It is never changed, only
 *		replaced as a whole, and freed when the cache and all holders have let
 *		go of it.
 *
 * A caller that runs code of others (CHECKs, triggers, expressions) must hold
 * what it uses: a nested statement may have it replaced.
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

/* For the cache: it lives as long as the backend, until kept_let_go(). */
extern void kept_cache(Kept *kept);
extern void kept_let_go(Kept *kept);

/* Until the context is reset or deleted, which is also how an aborted (sub)transaction lets go */
extern void kept_hold(Kept *kept, MemoryContext context);

/* Neither the tables have changed nor the functions that the CHECKs call */
extern bool kept_is_true(const Kept *kept);

/* Plans the CHECKs of rel that read a column (0: all), once.  Call it as the owner of rel. */
extern const RowChecks *kept_checks(Kept *kept, Relation rel, AttrNumber column);

#endif							/* LICENSE_KEPT_H */
