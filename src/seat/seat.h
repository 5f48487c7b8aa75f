/*
 * seat.h
 *		Taking a seat of a pool, and the end of its lease.
 */
#ifndef LICENSE_SEAT_H
#define LICENSE_SEAT_H

#include "seat/seat_request.h"

/*
 * Takes a seat of a pool, or finds the holder's own; writes a denial to
 * license.denial.  lease is an Interval or NULL.  Call it between
 * operation_begin() and operation_end().  Errors: 22023, 40001.
 */
extern void seat_acquire(int64 account_id, int64 license_id, const char *pool,
						 const SeatHolder *holder, NullableDatum lease,
						 TimestampTz at, SeatAnswer *answer);

/* The end of a lease that begins at that moment; raises 22023 unless it is later */
extern TimestampTz seat_lease_end(NullableDatum lease, TimestampTz at);

#endif							/* LICENSE_SEAT_H */
