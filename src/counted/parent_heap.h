/*
 * parent_heap.h
 *		Writes the counts of parents directly, without a statement.
 */
#ifndef LICENSE_COUNTED_PARENT_HEAP_H
#define LICENSE_COUNTED_PARENT_HEAP_H

#include "counted/delta.h"

/* For a plain parent (see SeatDefinition).  Call it as the parent's owner.  Raises LX001, LX002, 23503 or 23514. */
extern void parent_heap_apply(SeatChanges *changes);

#endif							/* LICENSE_COUNTED_PARENT_HEAP_H */
