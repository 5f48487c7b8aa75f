/*
 * parent.h
 *		Applies the changes of a statement to the rows of the parent.
 */
#ifndef LICENSE_COUNTED_PARENT_H
#define LICENSE_COUNTED_PARENT_H

#include "counted/delta.h"

/*
 * The deltas are sorted by key, and the parent is locked for writing.  Raises
 * LX001, LX002 or 23503.
 */
extern void parent_apply(SeatDefinition *def, SeatDelta **deltas, int count);

#endif							/* LICENSE_COUNTED_PARENT_H */
