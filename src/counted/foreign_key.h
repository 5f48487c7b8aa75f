/*
 * foreign_key.h
 *		Which foreign key a trigger of the child counts along, and whether seats
 *		can be counted along it.
 */
#ifndef LICENSE_COUNTED_FOREIGN_KEY_H
#define LICENSE_COUNTED_FOREIGN_KEY_H

#include "core/extension.h"

#include "commands/trigger.h"
#include "utils/rel.h"

/*
 * A copy of the child's foreign key that one of its triggers counts along.
 * NULL when the child has no such foreign key, or several and nothing tells
 * which one is meant.
 */
extern ForeignKeyCacheInfo *foreign_key_find(Relation child, Trigger *trigger);

/* Raises instead of answering NULL: 42703 a column was renamed, 42704 no foreign key, 55000 several. */
extern ForeignKeyCacheInfo *foreign_key_require(Relation child, Trigger *trigger);

/*
 * The parent's unique index that a foreign key uses.  Raises 0A000 when seats
 * cannot be counted along it: it is over periods, deferrable or not validated.
 */
extern Oid	foreign_key_index(Oid constraint);

/* Raises 0A000 unless the two columns of each pair of key columns have the same type. */
extern void foreign_key_require_same_types(Oid child, Oid parent, int nkeys, const AttrNumber *child_attnums,
										   const AttrNumber *parent_attnums);

#endif							/* LICENSE_COUNTED_FOREIGN_KEY_H */
