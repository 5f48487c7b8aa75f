/*
 * settings.h
 *		The settings of the extension, license_ext.*
 */
#ifndef LICENSE_SETTINGS_H
#define LICENSE_SETTINGS_H

#include "core/extension.h"

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

extern void settings_init(void);

#endif							/* LICENSE_SETTINGS_H */
