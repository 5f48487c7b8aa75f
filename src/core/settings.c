/*
 * settings.c
 *		The settings of the extension, license_ext.*
 */
#include "core/settings.h"

#include "core/text_limit.h"
#include "utils/guc.h"

int			node_id = 0;
char	   *actor_setting = NULL;
int			claim_timeout = 300;
int			email_rule = EMAIL_RULE_ENFORCE;

static const struct config_enum_entry email_rules[] = {
	{"enforce", EMAIL_RULE_ENFORCE, false},
	{"warn", EMAIL_RULE_WARN, false},
	{NULL, 0, false}
};

/* The name of an actor goes into every event. */
static bool
check_actor(char **name, void **extra, GucSource source)
{
	if (*name == NULL || **name == '\0' || is_plain_text(*name, strlen(*name), MAX_ACTOR, false))
		return true;
	GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	GUC_check_errmsg("invalid value for parameter \"license_ext.actor\"");
	GUC_check_errdetail("A name has at most %d characters, not only spaces, and none of them is a control or invisible character.",
						MAX_ACTOR);
	return false;
}

void
settings_init(void)
{
	DefineCustomStringVariable("license_ext.actor",
							   "Who is named in the history.",
							   "Empty means the session's role.",
							   &actor_setting, "", PGC_USERSET, 0,
							   check_actor, NULL, NULL);
	DefineCustomIntVariable("license_ext.claim_timeout",
							"How long a claimed notice may stay unacknowledged before it is handed out again.",
							NULL,
							&claim_timeout, 300, 1, 86400, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("license_ext.email_rule",
							 "Whether an enterprise account's e-mail must be a role address of the company, or should be.",
							 "enforce refuses another one, warn accepts and records it.",
							 &email_rule, EMAIL_RULE_ENFORCE, email_rules, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("license_ext.node_id",
							"The high bits of every id generated on this server.",
							"Servers whose rows may meet must have different values.",
							&node_id, 0, 0, 32767, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("license_ext");
}
