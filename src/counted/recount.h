/*
 * recount.h
 *		Counts the children of one counted foreign key, to compare or correct
 *		the recorded counts.
 */
#ifndef LICENSE_COUNTED_RECOUNT_H
#define LICENSE_COUNTED_RECOUNT_H

#include "core/extension.h"

#include "access/htup.h"
#include "counted/attachment.h"
#include "counted/owner.h"

typedef void (*RecountReader) (SeatAttachment *attachment, HeapTuple row, TupleDesc desc, void *result);

/* Raises 25001 at REPEATABLE READ and above: a count must see every committed row. */
extern void recount_require_fresh_snapshots(const char *function);

/* Runs a statement of count_sql.h that only reads, in one snapshot with the count; reader gets each row. */
extern void recount_read(SeatAttachment *attachment, const char *sql, RecountReader reader,
						 void *result);

/* Corrects the recorded counts and returns how many were wrong.  The caller must have locked both tables. */
extern uint64 recount_correct(SeatAttachment *attachment, OwnerSecurity security);

/* "(a, b)=(1, 2)" of a row that begins with the parent's keys */
extern char *recount_row_key(SeatAttachment *attachment, HeapTuple row, TupleDesc desc);

#endif							/* LICENSE_COUNTED_RECOUNT_H */
