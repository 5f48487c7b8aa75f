/*
 * enterprise_pools.h
 *		The standard and the floating pool of an enterprise account.
 */
#ifndef LICENSE_ENTERPRISE_POOLS_H
#define LICENSE_ENTERPRISE_POOLS_H

#include "core/extension.h"

#define STANDARD_POOL "device"
#define FLOATING_POOL "floating_device"

/* Units of the counting licences of an account that have not been finalized */
typedef struct EnterpriseTotals
{
	int64		all;
	int64		of_license;		/* of the licence that the operation works on, even if it is finalized */
	int64		floating_elsewhere; /* in the floating pools of the other licences */
} EnterpriseTotals;

/* Raises LX031 unless the value is in the range; what names it in the message. */
extern void enterprise_check_quantity(const char *what, int64 value, int64 minimum, int64 maximum);

/* Inserts the pools that the licence does not have yet, with so many units. */
extern void enterprise_insert_pools(int64 account_id, int64 license_id, int32 standard, int32 floating);

/* Inserts pools that are missing and locks both, standard before floating, as a login does. */
extern void enterprise_lock_pools(int64 account_id, int64 license_id);

extern EnterpriseTotals enterprise_read_totals(int64 account_id, int64 license_id);

#endif							/* LICENSE_ENTERPRISE_POOLS_H */
