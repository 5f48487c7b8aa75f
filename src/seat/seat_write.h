/*
 * seat_write.h
 *		Writes the lease of a seat, without SPI where an UPDATE would do nothing more.
 */
#ifndef LICENSE_SEAT_WRITE_H
#define LICENSE_SEAT_WRITE_H

#include "core/row.h"

/* The columns of a seat that a heartbeat changes */
typedef struct SeatLife
{
	TimestampTz last_seen_at;
	NullableDatum lease;
	NullableDatum expires_at;
} SeatLife;

typedef enum SeatWritten
{
	SEAT_WRITTEN,
	SEAT_CHANGED,				/* another transaction changed the seat first: read it again */
	SEAT_REFUSED				/* a trigger of the table's owner suppressed the update */
} SeatWritten;

/*
 * Writes a seat found by row_open_to_write() in the transaction's snapshot and
 * sets life to what was written.  Call it between operation_begin() and
 * operation_end().  Errors: 40001 if another transaction changed the seat and
 * the snapshot is that of the transaction; those of constraints and triggers.
 */
extern SeatWritten seat_write(Row *seat, SeatLife *life);

#endif							/* LICENSE_SEAT_WRITE_H */
