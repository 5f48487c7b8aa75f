/*
 * seat_request.h
 *		The request for a seat, and the answer to it.
 */
#ifndef LICENSE_SEAT_REQUEST_H
#define LICENSE_SEAT_REQUEST_H

#include "core/extension.h"

/* Codes are those of license.acquire_seat() */
typedef struct SeatAnswer
{
	bool		granted;
	const char *code;
	int64		seat_id;		/* 0: none */
	bool		leased;
	TimestampTz expires_at;		/* when leased */
} SeatAnswer;

/* Who wants the seat: exactly one of them is not NULL */
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

#endif							/* LICENSE_SEAT_REQUEST_H */
