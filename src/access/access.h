/*
 * access.h
 *		Checks what levels may do.
 */
#ifndef LICENSE_ACCESS_H
#define LICENSE_ACCESS_H

#include "access/level.h"
#include "utils/relcache.h"

/* Account arguments of functions that have none: see access.def */
#define EXECUTE_DECIDES	(-1)
#define CONFINES_ITSELF	(-2)

/*
 * Raises 42501 unless the caller's level may call the function for the account
 * it names, at that moment.
 */
extern void access_check(FunctionCallInfo fcinfo, Oid caller, TimestampTz at);

/* Does the caller have, in that account, a level that may call this function? */
extern bool access_caller_may_in(FunctionCallInfo fcinfo, Oid caller, int64 account_id);

/* Does the role have one of the levels in that account? */
extern bool access_role_has(Oid role, int levels, int64 account_id);

/* Does the role have one of the levels without being confined to an account? */
extern bool access_role_has_everywhere(Oid role, int levels);

/* The levels that may run a command on a table: access_tables.def; action is "SELECT site" */
extern int	access_levels_for(const char *action);

/*
 * Will row-level security refuse the current role to insert a row of that account into a table of ours?  It asks after
 * BEFORE triggers, whose errors must not tell that role of the account.  Ask before operation_begin(); what is not
 * looked at then has to be in an AFTER trigger: through a view of a mightier role the row may be inserted after all.
 */
extern bool access_hides_account(Relation rel, int64 account_id);

#endif							/* LICENSE_ACCESS_H */
