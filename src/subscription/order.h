/*
 * order.h
 *		Places orders of subscriptions.
 */
#ifndef LICENSE_ORDER_H
#define LICENSE_ORDER_H

#include "subscription/quote.h"

/*
 * Places an order inside of an operation, in one step or not at all, and returns
 * its id.  version is that of a quote or NULL; placed_by is NULL for the actor of
 * the operation.  Errors: LX032, LX033 and those of order_prepare().
 */
extern int64 order_place(Order *order, const char *version, const char *placed_by);

#endif							/* LICENSE_ORDER_H */
