/*
 * seat_situation.h
 *		Reads the licence, the pool, the holder and its seat before a seat is taken.
 */
#ifndef LICENSE_SEAT_SITUATION_H
#define LICENSE_SEAT_SITUATION_H

#include "core/row.h"
#include "seat/seat_request.h"

typedef struct SeatSituation
{
	bool		found;			/* licence, pool and holder exist in the account */
	bool		valid;			/* the licence, at the moment of the request */
	bool		open_end;		/* the licence has no end */
	TimestampTz ends_at;		/* of the licence */
	bool		hold;			/* the admin withdrew the licence of the device */
	int64		seat_id;		/* the holder's own seat; 0: none */
	bool		seat_leased;
	TimestampTz seat_expires_at;
} SeatSituation;

extern void seat_situation_read(const SeatRequest *request, SeatSituation *now);

/* Reads the holder's own seat again. */
extern void seat_situation_read_seat(const SeatRequest *request, SeatSituation *now);

/* Does the holder have a seat without a lease, or with one that has not ended? */
extern bool seat_situation_is_live(const SeatSituation *now, TimestampTz at);

/* Is a row of license.license in use, started and not ended at that moment? */
extern bool seat_license_is_valid(Row *license, TimestampTz at);

#endif							/* LICENSE_SEAT_SITUATION_H */
