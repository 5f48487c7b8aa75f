/*
 * account_email.c
 *		The e-mail of an enterprise account: a role address of the company.
 *
 * No rule can tell with certainty whether an address belongs to one person, so
 * license.account.email_override can record why an address was accepted that
 * does not look like a role address.
 */
#include "account/account_email.h"

#include <ctype.h>

#include "core/field.h"
#include "core/operation.h"
#include "core/settings.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/formatting.h"

PG_FUNCTION_INFO_V1(license_account_email_trg);
PG_FUNCTION_INFO_V1(license_admin_email_trg);

#define MAX_LOCAL_PART 64
#define MAX_ADDRESS 254

static const char *const role_words[] = {
	"abuse", "accounting", "accounts", "admin", "administration", "administrator", "admins",
	"assets", "billing", "business", "central", "company", "contact", "count", "counting",
	"countthings", "customer", "customercare", "customerservice", "department", "dept",
	"devices", "distribution", "dispatch", "engineering", "enquiries", "enterprise",
	"facilities", "facility", "factory", "fulfillment", "group", "helpdesk", "hello", "hostmaster", "hq", "hr",
	"info", "information", "infra", "infrastructure", "inventory", "invoice", "invoices",
	"invoicing", "it", "itadmin", "itdepartment", "itdept", "itservices", "itsupport", "itteam",
	"lab", "laboratory", "legal", "licence", "licences", "licencing", "license", "licenses",
	"licensing", "logistics", "mail", "mailbox", "maintenance", "management", "manufacturing",
	"marketing", "mobile", "noc", "office", "operation", "operations", "ops", "order", "orders",
	"plant", "platform", "portal", "postmaster", "procurement", "production", "purchase",
	"purchasing", "qa", "qc", "quality", "reception", "root", "sales", "secretariat",
	"security", "service", "servicedesk", "services", "shipping", "shop", "software", "stock",
	"store", "subscription", "subscriptions", "supply", "support", "sysadmin", "systems",
	"team", "tech", "technical", "technology", "tools", "vendors", "warehouse", "webmaster", "yard"
};

static const char *const free_mail_domains[] = {
	"126.com", "163.com", "aol.com", "centrum.cz", "email.cz", "freenet.de", "gmail.com",
	"googlemail.com", "icloud.com", "inbox.com", "inbox.lv", "interia.pl", "laposte.net", "libero.it",
	"mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "o2.pl", "onet.pl",
	"orange.fr", "proton.me", "qq.com", "rediffmail.com", "rocketmail.com", "seznam.cz",
	"t-online.de", "tutanota.com", "wanadoo.fr", "web.de", "wp.pl", "ya.ru", "ymail.com", "zoho.com"
};

/* Free mail services with domains in many countries */
static const char *const free_mail_names[] = {
	"gmx", "hotmail", "live", "outlook", "protonmail", "yahoo", "yandex"
};

static bool
is_in(const char *word, const char *const *list, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Does the text consist of letters, digits, the allowed punctuation and dots,
 * none of which is at an end or doubled?  Characters outside of ASCII pass.
 */
static bool
is_dotted(const char *text, const char *punctuation)
{
	char		before = '.';

	for (const char *p = text; *p != '\0'; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c == '.' ? before == '.' : c < 0x80 && !isalnum(c) && strchr(punctuation, c) == NULL)
			return false;
		before = *p;
	}
	return before != '.';
}

static bool
is_domain(const char *domain)
{
	return is_dotted(domain, "-") && strchr(domain, '.') != NULL && domain[0] != '-' &&
		domain[strlen(domain) - 1] != '-' && strstr(domain, "-.") == NULL && strstr(domain, ".-") == NULL;
}

/* True for yahoo.de and yahoo.co.uk, false for yahoo.acme.com */
static bool
is_free_mail(const char *domain)
{
	const char *dot = strchr(domain, '.');
	char	   *name = pnstrdup(domain, dot - domain);
	const char *rest = dot + 1;

	if (is_in(domain, free_mail_domains, lengthof(free_mail_domains)))
		return true;
	if (!is_in(name, free_mail_names, lengthof(free_mail_names)))
		return false;
	return strchr(rest, '.') == NULL || strncmp(rest, "co.", 3) == 0 || strncmp(rest, "com.", 4) == 0;
}

/* Does a word of the local part name a role?  What follows a plus sign is not part of the mailbox. */
static bool
names_role(const char *local)
{
	const char *end = local + strcspn(local, "+");

	while (local < end)
	{
		const char *word = local;

		while (local < end && isalpha((unsigned char) *local))
			local++;
		if (local > word &&
			is_in(pnstrdup(word, local - word), role_words, lengthof(role_words)))
			return true;
		if (local == word)
			local++;
	}
	return false;
}

/* What is wrong with the address, as a DETAIL; NULL if nothing is */
static const char *
email_fault(const char *email)
{
	char	   *local = asc_tolower(email, strlen(email));
	char	   *at = strrchr(local, '@');

	if (at == NULL || at == local || at - local > MAX_LOCAL_PART || strlen(local) > MAX_ADDRESS)
		return "It is not a valid e-mail address.";
	*at = '\0';
	if (!is_dotted(local, "!#$%&'*+/=?^_`{|}~-") || !is_domain(at + 1))
		return "It is not a valid e-mail address.";
	if (is_free_mail(at + 1))
		return "Its domain is a free mail service, not the company's.";
	if (names_role(local))
		return NULL;
	if (strpbrk(local, "._-") != NULL)
		return "It looks like the address of one person.";
	return "It does not name a role, such as admin, it, licensing, office or operations.";
}

bool
account_email_check(const char *email, const char *override)
{
	const char *fault = email_fault(email);

	if (fault == NULL || (override != NULL && override[0] != '\0'))
		return false;
	ereport(email_rule == EMAIL_RULE_WARN ? WARNING : ERROR,
			errcode(ERRCODE_EMAIL_NOT_ROLE_BASED),
			errmsg("account e-mail \"%s\" is not a role address of the company", cut_for_message(email)),
			errdetail_internal("%s", fault),
			errhint("Use an address such as licensing@ at the company's domain, or write to license.account.email_override why this one is accepted."));
	return true;
}

void
account_email_refuse_taken(const char *email, const char *whose)
{
	ereport(ERROR,
			errcode(ERRCODE_UNIQUE_VIOLATION),
			errmsg("e-mail \"%s\" is in use by another %s", cut_for_message(email), whose),
			errdetail("An address belongs to one account and to one user over all accounts; the admin of an enterprise account logs in by that of the account."),
			errhint("Choose another address, or have the other %s give this one up.", whose));
}

static Statement email_of_enterprise = STATEMENT(
	"SELECT a.email FROM license.account a WHERE a.account_id = $1"
	" AND EXISTS (SELECT FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = a.account_id AND l.site_id IS NULL AND o.family = 'COUNT')",
	INT8OID);

char *
account_email_of_enterprise(int64 account_id)
{
	return RUN(email_of_enterprise, arg_int64(account_id)) > 0 ? field_text("email") : NULL;
}

/* Looks at the latest rows: a concurrent transaction may have made it an enterprise account. */
static bool
is_enterprise(int64 account_id)
{
	return RUN_LATEST(email_of_enterprise, arg_int64(account_id)) > 0;
}

static int64
account_of(TriggerData *trigger)
{
	return DatumGetInt64(trigger_value(trigger, trigger->tg_newtuple, "account_id").value);
}

static HeapTuple
record_override(TriggerData *trigger)
{
	const char *const column = "email_override";
	Datum		value = CStringGetTextDatum(EMAIL_OVERRIDE_WARNED);
	bool		isnull = false;

	return trigger_change(trigger, trigger->tg_newtuple, 1, &column, &value, &isnull);
}

/*
 * license._account_email_trg() → trigger
 *		Before UPDATE of email or email_override of an account: the e-mail of
 *		an enterprise account is a role address, or has an override.
 *		Errors: LX040, 39P01.
 */
Datum
license_account_email_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_account_email_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "account");
	char	   *email = trigger_text(trigger, trigger->tg_newtuple, "email");
	bool		enterprise;
	Operation	op;

	if (email == NULL)
		return PointerGetDatum(trigger->tg_newtuple);
	operation_begin_trigger(&op, fcinfo);
	enterprise = is_enterprise(account_of(trigger));
	operation_end(&op);
	if (enterprise &&
		account_email_check(email, trigger_text(trigger, trigger->tg_newtuple, "email_override")))
		return PointerGetDatum(record_override(trigger));
	return PointerGetDatum(trigger->tg_newtuple);
}

static Statement admin_email_taken = STATEMENT(
	"SELECT FROM license.account_user WHERE lower(email) = lower($2) AND NOT (account_id = $1 AND is_admin)",
	INT8OID, TEXTOID);

static Statement admin_email_set = STATEMENT(
	"UPDATE license.account_user SET email = $2 WHERE account_id = $1 AND is_admin",
	INT8OID, TEXTOID);

/*
 * license._admin_email_trg() → trigger
 *		After UPDATE of the e-mail of an enterprise account: its admin gets the
 *		same e-mail, by which he logs in.
 *		Errors: 23502 without an e-mail, 23505, 39P01.
 */
Datum
license_admin_email_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_admin_email_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "account");
	int64		account_id = account_of(trigger);
	char	   *email = trigger_text(trigger, trigger->tg_newtuple, "email");
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	if (is_enterprise(account_id))
	{
		if (RUN(admin_email_taken, arg_int64(account_id), arg_text(email)) > 0)
			account_email_refuse_taken(email, "user");
		RUN(admin_email_set, arg_int64(account_id), arg_text(email));
	}
	operation_end(&op);
	return PointerGetDatum(NULL);
}
