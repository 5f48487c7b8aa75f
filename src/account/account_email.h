/*
 * account_email.h
 *		The e-mail of an enterprise account: a role address of the company.
 */
#ifndef LICENSE_ACCOUNT_EMAIL_H
#define LICENSE_ACCOUNT_EMAIL_H

#include "core/extension.h"

/* license.account.email_override of an address accepted while license_ext.email_rule was warn */
#define EMAIL_OVERRIDE_WARNED "accepted while license_ext.email_rule was warn"

/*
 * Raises LX040 unless the address is a role address or override, which may be
 * NULL, gives a reason.  If license_ext.email_rule is warn, it warns instead
 * and returns true.
 */
extern bool account_email_check(const char *email, const char *override);

/* Raises 23505; whose says whether an account or a user has the address, not which one. */
pg_noreturn extern void account_email_refuse_taken(const char *email, const char *whose);

/* The e-mail of the account; NULL if it is no enterprise account or has none.  Call it inside an operation. */
extern char *account_email_of_enterprise(int64 account_id);

#endif							/* LICENSE_ACCOUNT_EMAIL_H */
