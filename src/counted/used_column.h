/*
 * used_column.h
 *		Which foreign key counts in a used column of a parent, if one still
 *		does.
 */
#ifndef LICENSE_COUNTED_USED_COLUMN_H
#define LICENSE_COUNTED_USED_COLUMN_H

#include "core/extension.h"

#include "utils/rel.h"

/*
 * The foreign key that counts in that column; 0 when no foreign key is known
 * to.  in_doubt becomes true when a referencing table has a trigger for the
 * column and foreign_key_find() cannot tell which foreign key it means.
 */
extern Oid	used_column_constraint(Relation parent, const char *used, bool *in_doubt);

/*
 * May a foreign key count in that column?  False for a guard that outlived its
 * foreign key or its child.  constraint becomes the foreign key, or 0 in doubt.
 */
extern bool used_column_is_counted(Relation parent, const char *used, Oid *constraint);

#endif							/* LICENSE_COUNTED_USED_COLUMN_H */
