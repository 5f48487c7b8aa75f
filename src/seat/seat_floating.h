/*
 * floating.h
 *		How a full floating pool finds a seat for one who asks.
 */
#ifndef LICENSE_SEAT_FLOATING_H
#define LICENSE_SEAT_FLOATING_H

#include "seat/seat_request.h"

/*
 * Moves a seat of another device to the asking one by the account's strategy;
 * false: no seat may be moved.  Call it under the lock of the pool.
 */
extern bool floating_take(const SeatRequest *request, NullableDatum expires_at, SeatAnswer *answer);

#endif							/* LICENSE_SEAT_FLOATING_H */
