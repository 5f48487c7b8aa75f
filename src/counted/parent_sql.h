/*
 * parent_sql.h
 *		Writes the counts of parents by UPDATE statements.
 */
#ifndef LICENSE_COUNTED_PARENT_SQL_H
#define LICENSE_COUNTED_PARENT_SQL_H

#include "counted/delta.h"

/* For a parent that is not plain.  Call it as its owner.  Raises LX001, LX002, 23503 or an error of its triggers. */
extern void parent_sql_apply(SeatChanges *changes);

#endif							/* LICENSE_COUNTED_PARENT_SQL_H */
