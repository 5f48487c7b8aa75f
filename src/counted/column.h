/*
 * column.h
 *		The integer and boolean columns that seats are counted with.
 */
#ifndef LICENSE_COUNTED_COLUMN_H
#define LICENSE_COUNTED_COLUMN_H

#include "core/extension.h"

#include "utils/rel.h"

/* A column that holds a weight, a count or a limit */
typedef struct SeatColumn
{
	AttrNumber	attnum;			/* 0: the counted foreign key has no such column */
	Oid			type;
} SeatColumn;

/* The number of a column; raises 42703 when the table has no column of that name, as after a rename. */
extern AttrNumber column_require(Oid relation, const char *name);

/* A column that can hold a count or a limit; raises 42703, 42804 (no integer) or 0A000 (generated). */
extern SeatColumn column_require_integer(Relation rel, const char *name);

/* A column that can hold the weight of a row; raises 42703, 42804 (no integer or boolean) or 0A000 (not stored). */
extern SeatColumn column_require_weight(Relation rel, const char *name);

/* The value of such a column as a number; true is 1. */
extern int64 column_int64(Datum value, Oid type);

/* A number as a value of an integer column; raises 22003 when it is out of range of the type. */
extern Datum column_datum(int64 value, Oid type);

#endif							/* LICENSE_COUNTED_COLUMN_H */
