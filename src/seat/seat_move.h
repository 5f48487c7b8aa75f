/*
 * seat_move.h
 *		Moving a seat from one device to another.
 */
#ifndef LICENSE_SEAT_MOVE_H
#define LICENSE_SEAT_MOVE_H

#include "core/extension.h"

/* Writes to the history that a seat was moved; extra is "" or further JSON members, each after a comma. */
extern void seat_moved(int64 account_id, int64 from_seat, int64 from_device,
					   int64 to_seat, int64 to_device, const char *extra);

#endif							/* LICENSE_SEAT_MOVE_H */
