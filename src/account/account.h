/*
 * account.h
 *		The tree of accounts: provider, distributors, partners, clients.
 */
#ifndef LICENSE_ACCOUNT_H
#define LICENSE_ACCOUNT_H

#include "core/extension.h"

/* The partner whose offers and currency apply to an account */
typedef struct BaseAccount
{
	int64		partner_id;
	bool		found;			/* false: no partner at or above the account */
	char	   *currency;		/* of the partner, else of the account itself */
} BaseAccount;

/* Finds the account itself if it is a partner, else the nearest partner above it.  23503 for an unknown account. */
extern BaseAccount account_base(int64 account_id);

/* Raises 23503 for an unknown account. */
extern char *account_kind(int64 account_id);

/* The kind of an account, locked until the transaction ends; NULL if there is no such account. */
extern char *account_kind_locked(NullableDatum account_id);

#endif							/* LICENSE_ACCOUNT_H */
