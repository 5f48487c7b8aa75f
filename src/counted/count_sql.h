/*
 * count_sql.h
 *		The text of statements over one counted foreign key.
 *
 * All but the first join the parent with a relation "counted", which has the
 * rows of the first.
 */
#ifndef LICENSE_COUNTED_COUNT_SQL_H
#define LICENSE_COUNTED_COUNT_SQL_H

#include "counted/attachment.h"

/* k0, k1, ... and units: the seats that the children of each parent take */
extern char *count_sql_children(SeatAttachment *attachment);

/* Up to ten parents whose children exceed the limit: keys, units, limit, and the number of all such parents */
extern char *count_sql_broken(SeatAttachment *attachment);

/* Parents whose recorded count is wrong: keys, units, used, limit */
extern char *count_sql_differences(SeatAttachment *attachment);

/* Corrects the recorded counts that are wrong */
extern char *count_sql_correction(SeatAttachment *attachment);

#endif							/* LICENSE_COUNTED_COUNT_SQL_H */
