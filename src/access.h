/*
 * access.h
 *		Which role may do what in which accounts.
 *
 * access.c		  who is asking: grants, subtrees, the row-level policy
 * access_grant.c grant_access() and revoke_access(): privileges by level
 * access.def	  which level may call which function
 */
#ifndef LICENSE_ACCESS_H
#define LICENSE_ACCESS_H

#include "license_ext.h"

/* Levels, as bits */
#define PROVIDER		(1 << 0)
#define DISTRIBUTOR		(1 << 1)
#define PARTNER			(1 << 2)
#define CUSTOMER		(1 << 3)
#define READER			(1 << 4)
#define SERVICE			(1 << 5)
#define EVERY_LEVEL		(PROVIDER | DISTRIBUTOR | PARTNER | CUSTOMER | READER | SERVICE)
#define READING_LEVELS	(PROVIDER | DISTRIBUTOR | PARTNER | CUSTOMER | READER)

/* Account arguments of functions that act on no tenant, or on all of them */
#define NO_ACCOUNT		(-1)
#define UNCONFINED		(-2)

/* The bit of a level's name, 0 for an unknown one */
extern int	access_level(const char *name);

/*
 * Raises 42501 unless the caller's level may call the function, for the
 * account it names, at that moment.  SPI must be connected as the owner.
 */
extern void access_check(FunctionCallInfo fcinfo, Oid caller, bool dated, TimestampTz at);

/* May the role that called the running operation see that account? */
extern bool access_caller_sees(Oid caller, int64 account_id);

/* The policy of row-level security: has the current role a level in that account or above it? */
extern bool access_sees(FunctionCallInfo fcinfo, int64 account_id);

extern void access_init(void);

#endif							/* LICENSE_ACCESS_H */
