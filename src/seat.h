/*
 * seat.h
 *		Taking, keeping, giving back and moving a seat of a pool.
 */
#ifndef LICENSE_SEAT_H
#define LICENSE_SEAT_H

#include "license_ext.h"

/* What an acquisition answers; codes are those of license.acquire_seat() */
typedef struct SeatAnswer
{
	bool		granted;
	const char *code;
	int64		seat_id;		/* 0: none */
	bool		leased;
	TimestampTz expires_at;		/* when leased */
} SeatAnswer;

/* Who asks: exactly one of them is not NULL */
typedef struct SeatHolder
{
	NullableDatum device_id;
	NullableDatum user_id;
	NullableDatum apartment_id;
} SeatHolder;

/* One request for a seat */
typedef struct SeatRequest
{
	int64		account_id;
	int64		license_id;
	const char *pool;
	Datum		pool_datum;		/* the same as text */
	SeatHolder	holder;
	NullableDatum lease;		/* Interval; NULL: until released */
	TimestampTz at;
} SeatRequest;

/*
 * Takes a seat of a pool, or finds the holder's own; a refusal is written to
 * license.denial.  lease is an Interval or NULL.  Call it between
 * operation_begin() and operation_end().  22023, 22004.
 */
extern void seat_acquire(int64 account_id, int64 license_id, const char *pool,
						 const SeatHolder *holder, NullableDatum lease,
						 TimestampTz at, SeatAnswer *answer);

/* When a lease taken now would end; 22023 unless it lies ahead */
extern TimestampTz seat_lease_end(NullableDatum lease, TimestampTz at);

/* The history entry of a seat that went from one device to another; extra is "" or more JSON members, each with a comma before it */
extern void seat_moved(int64 account_id, int64 from_seat, int64 from_device,
					   int64 to_seat, int64 to_device, const char *extra);

#endif							/* LICENSE_SEAT_H */
