/*
 * account_email.h
 *		Is an account's e-mail a role address of the company?
 */
#ifndef LICENSE_ACCOUNT_EMAIL_H
#define LICENSE_ACCOUNT_EMAIL_H

#include "core/extension.h"

/* What license.account.email_override says of an address accepted under license_ext.email_rule = warn */
#define EMAIL_OVERRIDE_WARNED "accepted while license_ext.email_rule was warn"

/*
 * Raises LX040, or warns when license_ext.email_rule says so, unless the
 * address is a role address or the override gives a reason.  True: it passed
 * with a warning only.
 */
extern bool account_email_check(const char *email, const char *override);

/* Raises 23505: another account or user has the address, and who it is, is not told. */
extern void account_email_refuse_taken(const char *email, const char *whose) pg_attribute_noreturn();

#endif							/* LICENSE_ACCOUNT_EMAIL_H */
