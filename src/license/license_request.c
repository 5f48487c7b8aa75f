/*
 * license_request.c
 *		What a request for a licence must say.
 *
 * What one row can tell is left to its constraints.  Here is what needs other
 * rows: the site's sector, the accounts above the organization, the modules.
 * Once issued, a request is history: it does not change and is not held
 * against rows that did.
 */
#include "core/extension.h"

#include "access/access.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_license_request_trg);
PG_FUNCTION_INFO_V1(license_license_request_late_trg);
PG_FUNCTION_INFO_V1(license_request_basis_trg);

static NullableDatum
column(TriggerData *trigger, HeapTuple row, const char *name)
{
	bool		isnull;
	Datum		value = trigger_column(trigger, row, name, &isnull);

	return arg_datum(value, isnull);
}

static Statement request_sector = STATEMENT(
	"SELECT sector = 'hospitality' FROM license.site WHERE account_id = $1 AND site_id = $2 FOR SHARE",
	INT8OID, INT8OID);

/* O7: rooms in hospitality, access points everywhere else */
static void
check_basis(TriggerData *trigger, HeapTuple row)
{
	bool		has_points = !column(trigger, row, "access_points").isnull;
	bool		has_rooms = !column(trigger, row, "rooms").isnull;
	bool		hospitality;

	/* A missing or unknown site is for the constraints to refuse. */
	if (RUN(request_sector, column(trigger, row, "account_id"), column(trigger, row, "site_id")) == 0)
		return;
	hospitality = got_bool(1);
	if (has_rooms == hospitality && has_points != hospitality)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("a licence request for %s location needs %s",
				   hospitality ? "a hospitality" : "this", hospitality ? "rooms" : "access_points"),
			errdetail("In hospitality rooms are counted, in every other sector access points, and the other number is NULL."),
			errtablecol(trigger->tg_relation,
						SPI_fnumber(RelationGetDescr(trigger->tg_relation),
									hospitality ? "rooms" : "access_points")));
}

static void
refuse_foreign(NullableDatum account_id, const char *role, NullableDatum other)
{
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("account " INT64_FORMAT " is not a %s of account " INT64_FORMAT,
				   DatumGetInt64(other.value), role, DatumGetInt64(account_id.value)),
			errdetail("The %s must be of that kind and stand above the organization in the tree of accounts.", role));
}

#define ABOVE(account) \
	 "WITH RECURSIVE above AS (SELECT account_id, parent_id, kind FROM license.account WHERE account_id = " account \
	 " UNION SELECT a.account_id, a.parent_id, a.kind FROM above b JOIN license.account a ON a.account_id = b.parent_id)"

#define MAY_SELL "kind IN ('partner', 'distributor', 'provider')"

#define MAY_ISSUE "kind IN ('distributor', 'provider')"

static Statement request_chain = STATEMENT(
	ABOVE("$1") " SELECT EXISTS (SELECT FROM above WHERE account_id = $2 AND " MAY_SELL "),"
	" EXISTS (SELECT FROM above WHERE account_id = $3 AND " MAY_ISSUE ")",
	INT8OID, INT8OID, INT8OID);

/* O9: partner and distributor are those of the organization, not somebody else's */
static void
check_chain(TriggerData *trigger, HeapTuple row)
{
	NullableDatum account_id = column(trigger, row, "account_id");
	NullableDatum partner_id = column(trigger, row, "partner_id");
	NullableDatum distributor_id = column(trigger, row, "distributor_id");

	if (account_id.isnull)
		return;
	RUN(request_chain, account_id, partner_id, distributor_id);
	if (!partner_id.isnull && !got_bool(1))
		refuse_foreign(account_id, "partner", partner_id);
	if (!distributor_id.isnull && !got_bool(2))
		refuse_foreign(account_id, "distributor", distributor_id);
}

static Statement request_modules = STATEMENT(
	"SELECT (SELECT coalesce(m, 'NULL') FROM pg_catalog.unnest($1) m"
	" WHERE NOT EXISTS (SELECT FROM license.module k WHERE k.module = m) LIMIT 1),"
	" (SELECT m FROM pg_catalog.unnest($1) m GROUP BY m HAVING count(*) > 1 LIMIT 1),"
	" ARRAY(SELECT module FROM license.module WHERE base AND module <> ALL ($1) ORDER BY module) || $1",
	TEXTARRAYOID);

/* O8, O1: known modules, each once, and the base modules; answers them all */
static Datum
complete_modules(NullableDatum modules, bool *isnull)
{
	RUN(request_modules, modules);
	if (!got_null(1))
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("module \"%s\" does not exist", cut_for_message(got_text(1))),
				errhint("See table license.module."));
	if (!got_null(2))
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("module \"%s\" is named twice", cut_for_message(got_text(2))));
	return got_datum(3, isnull);
}

static bool
is_hidden(TriggerData *trigger, HeapTuple row)
{
	NullableDatum account_id = column(trigger, row, "account_id");

	return !account_id.isnull && access_hides_account(trigger->tg_relation, DatumGetInt64(account_id.value));
}

static HeapTuple
check_open_request(FunctionCallInfo fcinfo, TriggerData *trigger, HeapTuple row)
{
	const char *const name = "modules";
	NullableDatum modules = column(trigger, row, name);
	bool		hidden = is_hidden(trigger, row);
	Operation	op;

	operation_begin(&op, fcinfo, NULL, 0);
	if (!hidden)
	{
		check_basis(trigger, row);
		check_chain(trigger, row);
	}
	if (!modules.isnull)
	{
		modules.value = complete_modules(modules, &modules.isnull);
		row = SPI_copytuple(trigger_change(trigger, row, 1, &name, &modules.value, &modules.isnull));
	}
	operation_end(&op);
	return row;
}

static void
refuse_change_of_issued(TriggerData *trigger)
{
	if (column(trigger, trigger->tg_trigtuple, "license_id").isnull)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("an issued licence request cannot be changed"),
			errhint("Change the licence, or renew it with license.renew()."));
}

/*
 * license._license_request_trg() → trigger
 *		Before a request is written: an open one gets the base modules and is
 *		held against its site, accounts and modules.  O1, O4, O7, O8, O9.
 *		Errors: 23503 unknown module, 23514, 55000 issued, 39P01.
 */
Datum
license_license_request_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_license_request_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "license_request");
	HeapTuple	row = trigger->tg_trigtuple;

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		refuse_change_of_issued(trigger);
		row = trigger->tg_newtuple;
	}
	if (column(trigger, row, "license_id").isnull)
		row = check_open_request(fcinfo, trigger, row);
	return PointerGetDatum(row);
}

/*
 * license._license_request_late_trg() → trigger
 *		After a request was inserted: what _license_request_trg() did not look
 *		at, because row-level security might have refused the row.  O7, O9.
 *		Errors: 23514, 39P01.
 */
Datum
license_license_request_late_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_license_request_late_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_INSERT, 0, "license_request");
	HeapTuple	row = trigger->tg_trigtuple;
	Operation	op;

	if (!is_hidden(trigger, row) || !column(trigger, row, "license_id").isnull)
		return PointerGetDatum(NULL);
	operation_begin(&op, fcinfo, NULL, 0);
	check_basis(trigger, row);
	check_chain(trigger, row);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static void
refuse_change_under(int64 request_id, const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("licence request " INT64_FORMAT " rests on %s", request_id, what),
			errhint("Issue the request with license.issue_license(), change it or delete it first."));
}

static Statement request_naming_module = STATEMENT(
	"SELECT request_id FROM license.license_request WHERE license_id IS NULL AND $1 = ANY (modules)"
	" ORDER BY request_id LIMIT 1",
	TEXTOID);

static Statement request_without_base = STATEMENT(
	"SELECT request_id FROM license.license_request WHERE license_id IS NULL AND $2 AND $1 <> ALL (modules)"
	" ORDER BY request_id LIMIT 1",
	TEXTOID, BOOLOID);

/* Were a module to become a base module now, a restored request would be another than the one that was filed. */
static void
check_module(TriggerData *trigger)
{
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	bool		removed = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);

	if ((removed || (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && trigger_changes(trigger, "module"))) &&
		RUN(request_naming_module, column(trigger, trigger->tg_trigtuple, "module")) > 0)
		refuse_change_under(got_int64(1), "this module");
	if (!removed && RUN(request_without_base, column(trigger, row, "module"), column(trigger, row, "base")) > 0)
		refuse_change_under(got_int64(1), "the base modules it was filed with");
}

static Statement request_of_other_basis = STATEMENT(
	"SELECT request_id FROM license.license_request WHERE account_id = $1 AND site_id = $2 AND license_id IS NULL"
	" AND (rooms IS NULL) = $3 ORDER BY request_id LIMIT 1",
	INT8OID, INT8OID, BOOLOID);

static Statement request_off_chain = STATEMENT(
	"SELECT r.account_id, r.request_id FROM license.license_request r WHERE r.license_id IS NULL"
	" AND (NOT EXISTS (" ABOVE("r.account_id") " SELECT FROM above WHERE account_id = r.partner_id AND " MAY_SELL ")"
	" OR NOT EXISTS (" ABOVE("r.account_id") " SELECT FROM above WHERE account_id = r.distributor_id AND " MAY_ISSUE "))"
	" ORDER BY r.account_id, r.request_id LIMIT 1");

/*
 * license._request_basis_trg() → trigger
 *		After a change of what open requests rest on: the sector of a site, the
 *		accounts above an organization, a module, the base modules.  O7, O8, O9.
 *		Errors: 23514, 39P01.
 */
Datum
license_request_basis_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_request_basis_trg",
										 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
										 ON_INSERT | ON_UPDATE | ON_DELETE, 0);
	const char *table = RelationGetRelationName(trigger->tg_relation);
	HeapTuple	old = trigger->tg_trigtuple;
	Operation	op;

	operation_begin(&op, fcinfo, NULL, 0);
	if (strcmp(table, "account") == 0)
	{
		if (RUN(request_off_chain) > 0)
			refuse_change_under(got_int64(2), "the accounts above its organization");
	}
	else if (strcmp(table, "module") == 0)
		check_module(trigger);
	else if (RUN(request_of_other_basis, column(trigger, old, "account_id"), column(trigger, old, "site_id"),
				 arg_bool(strcmp(trigger_text(trigger, trigger->tg_newtuple, "sector"), "hospitality") == 0)) > 0)
		refuse_change_under(got_int64(1), "the sector of its site");
	operation_end(&op);
	return PointerGetDatum(NULL);
}
