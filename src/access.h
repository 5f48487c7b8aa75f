/*
 * access.h
 *		Which role may do what in which accounts.
 *
 * access.c		  what levels may do: the check before every operation, the row-level policies
 * access_levels.c which levels a role has: grants, membership, the tree of accounts
 * access_grant.c grant_access(), revoke_access(), refresh_access()
 * access_privileges.c the privileges of a level
 * access_role.c  the type of the column that names a role in license.access
 * access.def	  which level may call which function
 * access_tables.def which level may do what with which table
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
#define OPERATOR		(1 << 6)
#define EVERY_LEVEL		(PROVIDER | DISTRIBUTOR | PARTNER | CUSTOMER | READER | SERVICE | OPERATOR)
#define READING_LEVELS	(PROVIDER | DISTRIBUTOR | PARTNER | CUSTOMER | READER)

/* Levels that serve all tenants and are therefore never confined to an account */
#define GLOBAL_LEVELS	(PROVIDER | OPERATOR)

/* Account arguments of functions that have none: see access.def */
#define EXECUTE_DECIDES	(-1)
#define CONFINES_ITSELF	(-2)

/* access_levels.c: the bit of a level's name, 0 for an unknown one */
extern int	access_level(const char *name);

/* The levels of a role in an account; without one, those confined to none */
extern int	access_levels_of(Oid role, bool has_account, int64 account_id);

/* The levels of all its grants, wherever they hold */
extern int	access_levels_anywhere(Oid role);

/*
 * Raises 42501 unless the caller's level may call the function for the account
 * it names, at that moment.
 */
extern void access_check(FunctionCallInfo fcinfo, Oid caller, bool dated, TimestampTz at);

/* Does the caller have, in that account, a level that may call this function? */
extern bool access_caller_may_in(FunctionCallInfo fcinfo, Oid caller, int64 account_id);

/* Does the role have one of the levels in that account? */
extern bool access_role_has(Oid role, int levels, int64 account_id);

/* Does the role have one of the levels without being confined to an account? */
extern bool access_role_has_everywhere(Oid role, int levels);

/* The levels that may run a command on a table: access_tables.def; action is "SELECT site" */
extern int	access_levels_for(const char *action);

extern void access_init(void);

/* access_privileges.c: role is a quoted name; SPI must be connected as the owner of the extension. */
extern void access_grant_level(const char *role, int level);
extern void access_revoke_level(const char *role, int level);
extern void access_revoke_everything(const char *role);

/* What no level may have, whoever granted it */
extern void access_revoke_forbidden(const char *role);

/* access_role.c: a role as license.access stores it */
typedef struct GrantedRole
{
	Oid			id;				/* InvalidOid: no role of that name was known when the row was loaded */
	NameData	name;			/* when the row was written */
} GrantedRole;

typedef enum GrantState
{
	GRANT_ACTIVE,
	GRANT_ROLE_GONE,			/* dropped: the grant is nobody's, whatever is created under that name */
	GRANT_ROLE_UNKNOWN			/* not created yet in the server the row was restored into */
} GrantState;

extern GrantState granted_role_state(const GrantedRole *role);

#endif							/* LICENSE_ACCESS_H */
