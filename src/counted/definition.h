/*
 * definition.h
 *		One counted foreign key, resolved by the catalog from the arguments of
 *		a trigger: what the triggers of the child need for each row and
 *		statement.
 */
#ifndef LICENSE_COUNTED_DEFINITION_H
#define LICENSE_COUNTED_DEFINITION_H

#include "core/extension.h"

#include "commands/trigger.h"
#include "core/kept.h"
#include "counted/column.h"
#include "utils/rel.h"

/* How the values of one pair of key columns are hashed, compared and copied */
typedef struct SeatKey
{
	AttrNumber	child_attnum;
	AttrNumber	parent_attnum;
	Oid			collation;
	bool		byval;
	int16		len;
	FmgrInfo	hash;
	FmgrInfo	compare;
	FmgrInfo	equal;
} SeatKey;

typedef struct SeatDefinition
{
	Kept		kept;			/* with the parent's CHECKs that read the used column */
	Oid			child;
	Oid			parent;
	Oid			constraint;
	Oid			index;			/* the parent's unique index that the foreign key uses */
	int			nkeys;			/* keys are in the order of the index */
	SeatKey		keys[INDEX_MAX_KEYS];
	bool		integer_keys;	/* all keys are smallint, integer or bigint */
	SeatColumn	weight;			/* of the child; none: each row takes one seat */
	SeatColumn	used;			/* of the parent */
	SeatColumn	limit;			/* of the parent; none: seats are counted without a limit */
	AttrNumber	last_child_attnum;	/* the last column of a child row that is read */
	bool		plain_parent;	/* its rows can be replaced without an UPDATE statement */
} SeatDefinition;

/*
 * Resolves what a trigger of the child counts now, in a memory context of its
 * own below the current one.  Raises 0A000, 42501, 42703, 42704, 42804 or 55000
 * when it cannot be counted.
 */
extern SeatDefinition *definition_build(Relation child, Trigger *trigger);

#endif							/* LICENSE_COUNTED_DEFINITION_H */
