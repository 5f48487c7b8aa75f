/*
 * seat_write.h
 *		Writes how long a seat lives, without SPI where nothing looks on.
 */
#ifndef LICENSE_SEAT_WRITE_H
#define LICENSE_SEAT_WRITE_H

#include "core/row.h"

/* What a heartbeat changes of a seat */
typedef struct SeatLife
{
	TimestampTz last_seen_at;
	NullableDatum lease;
	NullableDatum expires_at;
} SeatLife;

typedef enum SeatWritten
{
	SEAT_WRITTEN,
	SEAT_CHANGED,				/* another transaction was faster: look again */
	SEAT_REFUSED				/* by a trigger of the owner's */
} SeatWritten;

/*
 * Writes a seat found by row_open_to_write() in the transaction's snapshot;
 * life becomes what was written.  Call it between operation_begin() and
 * operation_end().  40001 when the snapshot cannot see who was faster; what
 * constraints and triggers of the table raise.
 */
extern SeatWritten seat_write(Row *seat, SeatLife *life);

#endif							/* LICENSE_SEAT_WRITE_H */
