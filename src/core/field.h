/*
 * field.h
 *		Reads the first row of the last RUN() by column name.
 *
 * The function that runs a statement reads its row at once, into locals or a
 * struct.  Values live until operation_end().  All raise an error when there is
 * no row or no column of that name.
 */
#ifndef LICENSE_FIELD_H
#define LICENSE_FIELD_H

#include "core/extension.h"

/* Errors when the column is NULL */
extern int64 field_int64(const char *column);
extern int32 field_int32(const char *column);
extern bool field_bool(const char *column);
extern TimestampTz field_time(const char *column);

/* A copy of a text column; NULL when the column is NULL */
extern char *field_text(const char *column);

extern bool field_is_null(const char *column);
extern NullableDatum field_value(const char *column);

#endif							/* LICENSE_FIELD_H */
