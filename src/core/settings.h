/*
 * settings.h
 *		The settings of the extension, license_ext.*
 */
#ifndef LICENSE_SETTINGS_H
#define LICENSE_SETTINGS_H

#include "core/extension.h"

/* license_ext.node_id: the high bits of every id, so that servers never collide */
extern int	node_id;

/* license_ext.actor: the actor in the history, if not the role of the session */
extern char *actor_setting;

/* license_ext.claim_timeout: seconds after which an unacknowledged notice can be claimed again */
extern int	claim_timeout;

/* license_ext.email_rule: whether an account e-mail that is no role address is an error */
typedef enum EmailRule
{
	EMAIL_RULE_ENFORCE,
	EMAIL_RULE_WARN
} EmailRule;

extern int	email_rule;

extern void settings_init(void);

#endif							/* LICENSE_SETTINGS_H */
