/*
 * license_ext.h
 *		What every file of the extension may use: settings, argument checks.
 */
#ifndef LICENSE_EXT_H
#define LICENSE_EXT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"

/* license_ext.node_id: the high bits of every id, so that servers never collide */
extern int	node_id;

/* license_ext.actor: who is named in the history instead of the session's role */
extern char *actor_setting;

/* license_ext.claim_timeout: seconds until an unacknowledged notice comes back */
extern int	claim_timeout;

/* license_ext.email_rule: what becomes of an account e-mail that is no role address */
typedef enum EmailRule
{
	EMAIL_RULE_ENFORCE,
	EMAIL_RULE_WARN
} EmailRule;

extern int	email_rule;

/* Raises 22004 when argument n is NULL; functions are not STRICT, because a NULL answer hides the fault. */
extern void require_argument(FunctionCallInfo fcinfo, int n, const char *name);

/* Argument n, the moment something happens at; NULL is now(), as when the argument is left out. */
extern TimestampTz moment_argument(FunctionCallInfo fcinfo, int n);

/* Argument n as a NUL-terminated string, NULL when it is NULL. */
extern char *text_argument(FunctionCallInfo fcinfo, int n);

/* Forms the single composite result row of a function declared with OUT columns. */
extern Datum form_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif							/* LICENSE_EXT_H */
