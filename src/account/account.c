/*
 * account.c
 *		The tree of accounts: provider, distributors, partners, clients.
 */
#include "account/account.h"

#include "access/access.h"
#include "miscadmin.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"

PG_FUNCTION_INFO_V1(license_account_kind_trg);
PG_FUNCTION_INFO_V1(license_account_tree_trg);
PG_FUNCTION_INFO_V1(license_base_currency);

static Statement account_node = STATEMENT(
	"SELECT parent_id, kind, currency FROM license.account WHERE account_id = $1",
	INT8OID);

static void
read_node(int64 account_id)
{
	if (RUN(account_node, arg_int64(account_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("account " INT64_FORMAT " does not exist", account_id));
}

BaseAccount
account_base(int64 account_id)
{
	BaseAccount base = {0};
	int64		above = account_id;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		read_node(above);
		base.found = strcmp(got_text(2), "partner") == 0;
		if (base.found || base.currency == NULL)
			base.currency = got_text(3);
		if (base.found || got_null(1))
			break;
		above = got_int64(1);
	}
	base.partner_id = base.found ? above : 0;
	return base;
}

char *
account_kind(int64 account_id)
{
	read_node(account_id);
	return got_text(2);
}

/*
 * license._base_currency(account_id) → text
 *		The currency an account is charged in, which its partner has even where
 *		the caller may see the account only; NULL where it may not see that.
 *		Errors: 23503 unknown account.  C12.
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

/* A locked ancestor cannot get another parent before this transaction ends. */
static bool
find_parent(int64 *account_id, bool lock)
{
	uint64		rows = lock ? RUN(account_parent_locked, arg_int64(*account_id)) :
		RUN(account_parent, arg_int64(*account_id));

	if (rows == 0 || got_null(1))
		return false;
	*account_id = got_int64(1);
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
 *		After an account got a parent: the way up must end.  Nobody else can
 *		hang anything below a row just inserted, so only a move locks the way.
 *		Errors: 23514, 39P01.  C1.
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
	operation_begin(&op, fcinfo, NULL, 0);
	check_ancestors(account_id, DatumGetInt64(parent_id), moved);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement account_internal_license = STATEMENT(
	"SELECT license_id, sku FROM license.license WHERE account_id = $1 AND subscription = 'internal'"
	" AND status IN ('pending_start', 'in_use', 'access_denied') ORDER BY license_id LIMIT 1",
	INT8OID);

static void
refuse_client(int64 account_id)
{
	if (RUN_LATEST(account_internal_license, arg_int64(account_id)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("account " INT64_FORMAT " has internal licences and cannot become a client", account_id),
			errdetail("Licence " INT64_FORMAT " of offer \"%s\" is for the own staff of a partner.",
					  got_int64(1), cut_for_message(got_text(2))),
			errhint("Terminate it with license.finalize() first."));
}

static Statement account_enabled_offer = STATEMENT(
	"SELECT pg_catalog.count(*), pg_catalog.min(sku) FROM license.partner_offer WHERE account_id = $1"
	" HAVING pg_catalog.count(*) > 0",
	INT8OID);

static void
refuse_no_partner(int64 account_id)
{
	if (RUN_LATEST(account_enabled_offer, arg_int64(account_id)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("account " INT64_FORMAT " has offers enabled and must stay a partner", account_id),
			errdetail("They are " INT64_FORMAT ", one of them \"%s\".", got_int64(1), cut_for_message(got_text(2))),
			errhint("Delete its rows of license.partner_offer first."));
}

/*
 * license._account_kind_trg() → trigger
 *		After an account became one of another kind: internal licences do not
 *		come to a client by it, and offers stay enabled for partners only.
 *		Errors: LX030, 23514, 39P01.  C2, C21.
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
	operation_begin(&op, fcinfo, NULL, 0);
	if (strcmp(kind, "client") == 0)
		refuse_client(account_id);
	if (strcmp(kind, "partner") != 0)
		refuse_no_partner(account_id);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
