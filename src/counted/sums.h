/*
 * sums.h
 *		What the rows of a running statement take and give back, summed by
 *		parent.
 */
#ifndef LICENSE_COUNTED_SUMS_H
#define LICENSE_COUNTED_SUMS_H

#include "counted/definition.h"

/* Adds to what the running statement takes from one parent: units, by rows that ask for at most largest each. */
extern void sums_add(SeatDefinition *def, const Datum *keys, int64 units, int64 largest);

/*
 * Writes the sums of the statement that fired the trigger, and forgets them.
 * Raises LX001, LX002 or 23503, and what definition_build() raises.
 */
extern void sums_write(TriggerData *trigger);

#endif							/* LICENSE_COUNTED_SUMS_H */
