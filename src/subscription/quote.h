/*
 * quote.h
 *		Reads and checks the lines of an order, for orders and quotes.
 */
#ifndef LICENSE_QUOTE_H
#define LICENSE_QUOTE_H

#include "core/extension.h"

#include "account/account.h"

/* One SKU of an order, and the subscription of it that the account has */
typedef struct OrderLine
{
	char	   *sku;
	char	   *asked;			/* the quantity as it was written */
	bool		is_whole;		/* the quantity is a whole number and not negative */
	int32		quantity;
	int32		old_quantity;	/* 0 without a running subscription */
	int64		license_id;		/* the running subscription; 0: none */
	int64		ended_id;		/* a subscription that has ended and was not finalized yet; 0: none */
	int32		min_quantity;
	bool		known;			/* there is such an offer, and it can be ordered */
	bool		by_application; /* audience internal */
	bool		enabled;		/* for the partner */
	bool		trial_used;		/* a trial that the account has had */
	int32		in_use;			/* seats taken of the subscription */
} OrderLine;

typedef struct Order
{
	int64		account_id;
	BaseAccount base;
	Datum		items;			/* jsonb: SKU to new total */
	bool		by_application; /* the provider grants internal licences */
	TimestampTz at;
	OrderLine  *lines;
	int			nlines;
} Order;

/* Reads and checks the lines of an order.  Errors: LX030, LX031, LX034, 22023. */
extern void order_prepare(Order *order);

/*
 * A hash of the subscriptions and prices of an account.  order_place() compares
 * it with that of the quote the customer saw.
 */
extern char *quote_version(Order *order);

#endif							/* LICENSE_QUOTE_H */
