/*
 * quote.h
 *		Quotes and orders: what is asked for, checked against what there is.
 */
#ifndef LICENSE_QUOTE_H
#define LICENSE_QUOTE_H

#include "core/extension.h"

#include "account/account.h"

/* One SKU of an order, beside the subscription the account has of it */
typedef struct OrderLine
{
	char	   *sku;
	char	   *asked;			/* the quantity as it was written */
	bool		is_whole;		/* and whether it is a whole number, not negative */
	int32		quantity;
	int32		old_quantity;	/* 0 without a running subscription */
	int64		license_id;		/* the running subscription, 0 without */
	int64		ended_id;		/* one that has ended and was not finalized yet */
	int32		min_quantity;
	bool		known;			/* there is such an offer */
	bool		by_application; /* audience internal */
	bool		enabled;		/* for the partner */
	bool		trial_used;		/* a trial the account has had */
	int32		in_use;			/* licences of the subscription that users are on */
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

/* Reads the lines of an order and refuses what cannot be ordered: LX030, LX031, LX034, 22023 */
extern void order_prepare(Order *order);

/* What order_place() of the same account compares with what the customer saw; NULL when there is no such row */
extern char *quote_version(Order *order);

#endif							/* LICENSE_QUOTE_H */
