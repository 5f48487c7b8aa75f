/*
 * limit.h
 *		Compares what a statement asks for with the limit of a parent row.
 */
#ifndef LICENSE_COUNTED_LIMIT_H
#define LICENSE_COUNTED_LIMIT_H

#include "counted/delta.h"

/* Is there room for the statement, and for each of its rows?  True for one that takes no more than it gives back. */
extern bool limit_fits(const SeatDelta *delta, int64 used, bool unlimited, int64 limit);

/* Raises LX002 when one row alone asks for more than the limit, LX001 when the limit is exceeded otherwise. */
extern void limit_check(Relation parent, SeatDefinition *def, const SeatDelta *delta,
						int64 used, bool unlimited, int64 limit);

/* Raises 23503: the statement asks for seats of a parent row that no longer exists. */
extern void limit_refuse_missing(Relation parent, SeatDefinition *def, const SeatDelta *delta);

#endif							/* LICENSE_COUNTED_LIMIT_H */
