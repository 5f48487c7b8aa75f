/*
 * field.h
 *		Reads the first row of the last RUN() by column name.
 *
 * The function that runs a statement reads its row at once, into a struct or a
 * local: the next RUN(), also one inside a called function, replaces the row.
 */
#ifndef LICENSE_FIELD_H
#define LICENSE_FIELD_H

#include "core/extension.h"

/* These raise an internal error when there is no row, no such column, or the value is NULL. */
extern int64 field_int64(const char *column);
extern int32 field_int32(const char *column);
extern bool field_bool(const char *column);
extern TimestampTz field_time(const char *column);

/* A column of type text; NULL when it is NULL.  The string lives until operation_end(). */
extern char *field_text(const char *column);

extern bool field_is_null(const char *column);

/* The value as it is, for instance to pass it on to another RUN(); lives until operation_end(). */
extern NullableDatum field_value(const char *column);

#endif							/* LICENSE_FIELD_H */
