/*
 * access_levels.h
 *		Which levels a role has in an account: grants, membership, the tree of accounts.
 */
#ifndef LICENSE_ACCESS_LEVELS_H
#define LICENSE_ACCESS_LEVELS_H

#include "access/level.h"

/* The bit of the level of that name; 0 for an unknown name */
extern int	access_level(const char *name);

/* The levels of a role in an account; without an account, those that are not confined to one */
extern int	access_levels_of(Oid role, bool has_account, int64 account_id);

/* The levels of all its grants, wherever they hold */
extern int	access_levels_anywhere(Oid role);

extern void access_levels_init(void);

#endif							/* LICENSE_ACCESS_LEVELS_H */
