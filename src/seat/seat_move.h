/*
 * seat_move.h
 *		Moving a seat from one device to another.
 */
#ifndef LICENSE_SEAT_MOVE_H
#define LICENSE_SEAT_MOVE_H

#include "core/extension.h"

/* The history entry of a seat that went from one device to another; extra is "" or more JSON members, each with a comma before it */
extern void seat_moved(int64 account_id, int64 from_seat, int64 from_device,
					   int64 to_seat, int64 to_device, const char *extra);

#endif							/* LICENSE_SEAT_MOVE_H */
