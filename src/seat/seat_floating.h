/*
 * seat_floating.h
 *		Moves a seat of a full floating pool to the device that requests one.
 */
#ifndef LICENSE_SEAT_FLOATING_H
#define LICENSE_SEAT_FLOATING_H

#include "seat/seat_request.h"

/*
 * Moves a seat of another device to the requesting device, chosen by the
 * floating strategy of the account.  Returns false if no seat may be moved.
 * The caller holds the lock of the pool.
 */
extern bool floating_take(const SeatRequest *request, NullableDatum expires_at, SeatAnswer *answer);

#endif							/* LICENSE_SEAT_FLOATING_H */
