/*
 * coverage.h
 *		Grants units to a site: some are added, the others prolong its licences.
 */
#ifndef LICENSE_COVERAGE_H
#define LICENSE_COVERAGE_H

#include "account/site.h"

#include "nodes/pg_list.h"

#define MAX_UNITS 100000

typedef struct CoverageChange
{
	int32		quantity;
	bool		added;			/* else extended */
	bool		open_ended;
	TimestampTz ends_at;
} CoverageChange;

/* Raises LX031 unless 1 <= quantity <= MAX_UNITS. */
extern void coverage_check_quantity(int32 quantity, const char *what);

/*
 * Grants units of an offer to a site read by site_lock_for_grant().  They first
 * cover what needs a licence and has none (added); the rest prolongs the
 * licences that end first, each unit from its own end (extended).  Returns a
 * list of CoverageChange.
 * Errors: LX024 not sold in the region, LX030 no offer for this type of site.
 */
extern List *coverage_grant(const Site *site, const char *sku, int32 quantity, TimestampTz at);

/* Makes them the result of a function that returns SETOF (quantity, action, ends_at). */
extern void coverage_return_changes(FunctionCallInfo fcinfo, List *changes);

#endif							/* LICENSE_COVERAGE_H */
