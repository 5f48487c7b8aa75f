/*
 * permit.h
 *		May the rows of a child be counted in a column of the parent?
 */
#ifndef LICENSE_COUNTED_PERMIT_H
#define LICENSE_COUNTED_PERMIT_H

#include "core/extension.h"

#include "utils/rel.h"

/*
 * Raises 42501 unless the owner of the child may write the count: has the
 * privileges of the parent's owner, or UPDATE on the parent or its used column.
 */
extern void permit_require_writer(Relation child, Relation parent, const char *used);

/*
 * Raises 55000 unless the parent guards the used and limit column that the
 * arguments of a child's trigger name, and what permit_require_writer() raises.
 */
extern void permit_require(Relation child, Relation parent, char **child_args);

#endif							/* LICENSE_COUNTED_PERMIT_H */
