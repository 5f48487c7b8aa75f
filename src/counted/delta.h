/*
 * delta.h
 *		What one statement changes in the counts of parents.
 */
#ifndef LICENSE_COUNTED_DELTA_H
#define LICENSE_COUNTED_DELTA_H

#include "counted/definition.h"

/* The change for one parent */
typedef struct SeatDelta
{
	uint32		hash;
	char		status;			/* for simplehash */
	Datum	   *keys;
	int64		units;			/* net change of the count */
	int64		largest;		/* most units that a single row asks for */
} SeatDelta;

/* The changes for all parents, sorted by key */
typedef struct SeatChanges
{
	SeatDefinition *def;
	Relation	parent;
	SeatDelta **deltas;
	int			count;
} SeatChanges;

#endif							/* LICENSE_COUNTED_DELTA_H */
