/*
 * order.h
 *		Places orders of subscriptions.
 */
#ifndef LICENSE_ORDER_H
#define LICENSE_ORDER_H

#include "subscription/quote.h"

/* Places an order inside of an operation, in one step or not at all; answers its id.  Also LX032, LX033. */
extern int64 order_place(Order *order, const char *version, const char *placed_by);

#endif							/* LICENSE_ORDER_H */
