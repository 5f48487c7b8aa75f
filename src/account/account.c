/*
 * account.c
 *		The tree of accounts: provider, distributors, partners, clients.
 */
#include "account/account.h"

#include "access/access.h"
#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(license_account_kind_trg);
PG_FUNCTION_INFO_V1(license_account_tree_trg);
PG_FUNCTION_INFO_V1(license_base_currency);

typedef struct AccountRow
{
	NullableDatum parent_id;
	char	   *kind;
	char	   *currency;
} AccountRow;

static Statement account_node = STATEMENT(
	"SELECT parent_id, kind, currency FROM license.account WHERE account_id = $1",
	INT8OID);

static AccountRow
read_account(int64 account_id)
{
	if (RUN(account_node, arg_int64(account_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("account " INT64_FORMAT " does not exist", account_id));
	return (AccountRow) {
		.parent_id = field_value("parent_id"),
		.kind = field_text("kind"),
		.currency = field_text("currency"),
	};
}

BaseAccount
account_base(int64 account_id)
{
	BaseAccount base = {0};
	int64		above = account_id;

	for (;;)
	{
		AccountRow	account = read_account(above);

		CHECK_FOR_INTERRUPTS();
		base.found = strcmp(account.kind, "partner") == 0;
		if (base.found || base.currency == NULL)
			base.currency = account.currency;
		if (base.found || account.parent_id.isnull)
			break;
		above = DatumGetInt64(account.parent_id.value);
	}
	base.partner_id = base.found ? above : 0;
	return base;
}

char *
account_kind(int64 account_id)
{
	return read_account(account_id).kind;
}

static Statement account_kind_shared = STATEMENT(
	"SELECT kind FROM license.account WHERE account_id = $1 FOR SHARE",
	INT8OID);

char *
account_kind_locked(NullableDatum account_id)
{
	return RUN(account_kind_shared, account_id) > 0 ? field_text("kind") : NULL;
}

/*
 * license._base_currency(account_id) → text
 *		Returns the currency an account is charged in.  It comes from the
 *		partner above, even if the caller may see the account but not the
 *		partner.  NULL if the caller may not see the account.
 *		Errors: 23503 unknown account.
 */
Datum
license_base_currency(PG_FUNCTION_ARGS)
{
	Oid			caller = GetUserId();
	char		currency[4] = "";	/* always three letters */
	Operation	op;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	operation_begin_unchecked(&op, fcinfo);
	if (access_role_has(caller, READING_LEVELS, PG_GETARG_INT64(0)))
		strlcpy(currency, account_base(PG_GETARG_INT64(0)).currency, sizeof(currency));
	operation_end(&op);
	if (currency[0] == '\0')
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(currency));
}

static Statement account_parent = STATEMENT(
	"SELECT parent_id FROM license.account WHERE account_id = $1",
	INT8OID);

static Statement account_parent_locked = STATEMENT(
	"SELECT parent_id FROM license.account WHERE account_id = $1 FOR SHARE",
	INT8OID);

/*
 * Replaces the account by its parent; returns false if it has none.  A locked
 * account cannot get another parent before this transaction ends.
 */
static bool
find_parent(int64 *account_id, bool lock)
{
	uint64		rows = lock ? RUN(account_parent_locked, arg_int64(*account_id)) :
		RUN(account_parent, arg_int64(*account_id));

	if (rows == 0 || field_is_null("parent_id"))
		return false;
	*account_id = field_int64("parent_id");
	return true;
}

static void
check_ancestors(int64 account_id, int64 parent_id, bool lock)
{
	int64		above = parent_id;

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (above == account_id)
			ereport(ERROR,
					errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("account " INT64_FORMAT " would be above itself", account_id),
					errdetail("Its new parent " INT64_FORMAT " is below it in the tree.", parent_id));
	} while (find_parent(&above, lock));
}

/*
 * license._account_tree_trg() → trigger
 *		After an account got a parent: the account must not be above itself.
 *		An UPDATE locks the accounts above, so that of two concurrent moves the
 *		second sees the first.  An INSERT need not: no other transaction can
 *		put an account below a row that it does not see.
 *		Errors: 23514, 39P01.
 */
Datum
license_account_tree_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_account_tree_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "account");
	bool		moved = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	row = moved ? trigger->tg_newtuple : trigger->tg_trigtuple;
	bool		isnull;
	int64		account_id = DatumGetInt64(trigger_column(trigger, row, "account_id", &isnull));
	Datum		parent_id = trigger_column(trigger, row, "parent_id", &isnull);
	Operation	op;

	if (isnull)
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	check_ancestors(account_id, DatumGetInt64(parent_id), moved);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement account_internal_license = STATEMENT(
	"SELECT license_id, sku FROM license.license WHERE account_id = $1 AND subscription = 'internal'"
	" AND status IN ('pending_start', 'in_use', 'access_denied') ORDER BY license_id LIMIT 1",
	INT8OID);

/* Raises LX030 if the account has internal licences, which a client may not have. */
static void
refuse_client(int64 account_id)
{
	int64		license_id;
	char	   *sku;

	if (RUN_LATEST(account_internal_license, arg_int64(account_id)) == 0)
		return;
	license_id = field_int64("license_id");
	sku = field_text("sku");
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("account " INT64_FORMAT " has internal licences and cannot become a client", account_id),
			errdetail("Licence " INT64_FORMAT " of offer \"%s\" is for the own staff of a partner.",
					  license_id, cut_for_message(sku)),
			errhint("Terminate it with license.finalize() first."));
}

static Statement account_enabled_offer = STATEMENT(
	"SELECT pg_catalog.count(*) AS offers, pg_catalog.min(sku) AS first_sku FROM license.partner_offer"
	" WHERE account_id = $1 HAVING pg_catalog.count(*) > 0",
	INT8OID);

/* Raises 23514 if offers are enabled for the account, which only a partner may have. */
static void
refuse_no_partner(int64 account_id)
{
	int64		offers;
	char	   *first_sku;

	if (RUN_LATEST(account_enabled_offer, arg_int64(account_id)) == 0)
		return;
	offers = field_int64("offers");
	first_sku = field_text("first_sku");
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("account " INT64_FORMAT " has offers enabled and must stay a partner", account_id),
			errdetail("They are " INT64_FORMAT ", one of them \"%s\".", offers, cut_for_message(first_sku)),
			errhint("Delete its rows of license.partner_offer first."));
}

/*
 * license._account_kind_trg() → trigger
 *		After UPDATE of the kind of an account: clients have no internal
 *		licences, and only partners have offers enabled.
 *		Errors: LX030, 23514, 39P01.
 */
Datum
license_account_kind_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_account_kind_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "account");
	char	   *kind = trigger_text(trigger, trigger->tg_newtuple, "kind");
	bool		isnull;
	int64		account_id = DatumGetInt64(trigger_column(trigger, trigger->tg_newtuple, "account_id", &isnull));
	Operation	op;

	if (!trigger_changes(trigger, "kind"))
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	if (strcmp(kind, "client") == 0)
		refuse_client(account_id);
	if (strcmp(kind, "partner") != 0)
		refuse_no_partner(account_id);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
