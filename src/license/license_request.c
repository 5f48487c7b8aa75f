/*
 * license_request.c
 *		Checks requests for licences.
 *
 * Constraints check what one row can tell.  The triggers here check what needs
 * other rows: the sector of the site, the accounts above the organization, and
 * the modules.  An issued request does not change, and later changes of those
 * rows do not matter to it.
 */
#include "core/extension.h"

#include "access/access.h"
#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "core/trigger.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_license_request_trg);
PG_FUNCTION_INFO_V1(license_license_request_late_trg);
PG_FUNCTION_INFO_V1(license_request_basis_trg);

static Statement request_sector = STATEMENT(
	"SELECT sector = 'hospitality' AS hospitality FROM license.site"
	" WHERE account_id = $1 AND site_id = $2 FOR SHARE",
	INT8OID, INT8OID);

/* Rooms are counted in hospitality, access points in every other sector. */
static void
check_basis(TriggerData *trigger, HeapTuple row)
{
	bool		has_points = !trigger_value(trigger, row, "access_points").isnull;
	bool		has_rooms = !trigger_value(trigger, row, "rooms").isnull;
	bool		hospitality;

	/* Constraints refuse a missing or unknown site. */
	if (RUN(request_sector, trigger_value(trigger, row, "account_id"),
			trigger_value(trigger, row, "site_id")) == 0)
		return;
	hospitality = field_bool("hospitality");
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

/* An account and the accounts above it */
#define ABOVE(account) \
	"WITH RECURSIVE above AS (" \
	"SELECT account_id, parent_id, kind FROM license.account WHERE account_id = " account \
	" UNION SELECT a.account_id, a.parent_id, a.kind" \
	" FROM above b JOIN license.account a ON a.account_id = b.parent_id)"

#define MAY_SELL "kind IN ('partner', 'distributor', 'provider')"

#define MAY_ISSUE "kind IN ('distributor', 'provider')"

static Statement request_chain = STATEMENT(
	ABOVE("$1") " SELECT EXISTS (SELECT FROM above WHERE account_id = $2 AND " MAY_SELL ") AS sells,"
	" EXISTS (SELECT FROM above WHERE account_id = $3 AND " MAY_ISSUE ") AS issues",
	INT8OID, INT8OID, INT8OID);

/* The partner and the distributor must stand above the organization. */
static void
check_chain(TriggerData *trigger, HeapTuple row)
{
	NullableDatum account_id = trigger_value(trigger, row, "account_id");
	NullableDatum partner_id = trigger_value(trigger, row, "partner_id");
	NullableDatum distributor_id = trigger_value(trigger, row, "distributor_id");
	bool		sells;
	bool		issues;

	if (account_id.isnull)
		return;
	RUN(request_chain, account_id, partner_id, distributor_id);
	sells = field_bool("sells");
	issues = field_bool("issues");
	if (!partner_id.isnull && !sells)
		refuse_foreign(account_id, "partner", partner_id);
	if (!distributor_id.isnull && !issues)
		refuse_foreign(account_id, "distributor", distributor_id);
}

static Statement request_modules = STATEMENT(
	"SELECT (SELECT coalesce(m, 'NULL') FROM pg_catalog.unnest($1) m"
	" WHERE NOT EXISTS (SELECT FROM license.module k WHERE k.module = m) LIMIT 1) AS unknown,"
	" (SELECT m FROM pg_catalog.unnest($1) m GROUP BY m HAVING count(*) > 1 LIMIT 1) AS repeated,"
	" ARRAY(SELECT module FROM license.module WHERE base AND module <> ALL ($1) ORDER BY module) || $1 AS complete",
	TEXTARRAYOID);

/* Returns the modules and the base modules.  Raises 23503 for an unknown module, 23514 for one named twice. */
static NullableDatum
complete_modules(NullableDatum modules)
{
	char	   *unknown;
	char	   *repeated;

	RUN(request_modules, modules);
	unknown = field_text("unknown");
	repeated = field_text("repeated");
	if (unknown != NULL)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("module \"%s\" does not exist", cut_for_message(unknown)),
				errhint("See table license.module."));
	if (repeated != NULL)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("module \"%s\" is named twice", cut_for_message(repeated)));
	return field_value("complete");
}

static bool
is_hidden(TriggerData *trigger, HeapTuple row)
{
	NullableDatum account_id = trigger_value(trigger, row, "account_id");

	return !account_id.isnull && access_hides_account(trigger->tg_relation, DatumGetInt64(account_id.value));
}

static HeapTuple
check_open_request(FunctionCallInfo fcinfo, TriggerData *trigger, HeapTuple row)
{
	const char *const name = "modules";
	NullableDatum modules = trigger_value(trigger, row, name);
	bool		hidden = is_hidden(trigger, row);
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	if (!hidden)
	{
		check_basis(trigger, row);
		check_chain(trigger, row);
	}
	if (!modules.isnull)
	{
		modules = complete_modules(modules);
		row = SPI_copytuple(trigger_change(trigger, row, 1, &name, &modules.value, &modules.isnull));
	}
	operation_end(&op);
	return row;
}

static void
refuse_change_of_issued(TriggerData *trigger)
{
	if (trigger_value(trigger, trigger->tg_trigtuple, "license_id").isnull)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("an issued licence request cannot be changed"),
			errhint("Change the licence, or renew it with license.renew()."));
}

/*
 * license._license_request_trg() → trigger
 *		Before INSERT or UPDATE of a request.  An open request gets the base
 *		modules and must fit its site, accounts and modules; an issued one does
 *		not change.
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
	if (trigger_value(trigger, row, "license_id").isnull)
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

	if (!is_hidden(trigger, row) || !trigger_value(trigger, row, "license_id").isnull)
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
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

/*
 * A module that open requests name stays.  A module becomes a base module only
 * if every open request names it: else a restore would add it to requests that
 * were filed without it.
 */
static void
check_module(TriggerData *trigger)
{
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	bool		removed = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);

	if ((removed || (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && trigger_changes(trigger, "module"))) &&
		RUN(request_naming_module, trigger_value(trigger, trigger->tg_trigtuple, "module")) > 0)
		refuse_change_under(field_int64("request_id"), "this module");
	if (!removed && RUN(request_without_base, trigger_value(trigger, row, "module"),
						trigger_value(trigger, row, "base")) > 0)
		refuse_change_under(field_int64("request_id"), "the base modules it was filed with");
}

static Statement request_of_other_basis = STATEMENT(
	"SELECT request_id FROM license.license_request WHERE account_id = $1 AND site_id = $2 AND license_id IS NULL"
	" AND (rooms IS NULL) = $3 ORDER BY request_id LIMIT 1",
	INT8OID, INT8OID, BOOLOID);

static void
check_site(TriggerData *trigger)
{
	HeapTuple	old = trigger->tg_trigtuple;
	bool		hospitality = strcmp(trigger_text(trigger, trigger->tg_newtuple, "sector"), "hospitality") == 0;

	if (RUN(request_of_other_basis, trigger_value(trigger, old, "account_id"),
			trigger_value(trigger, old, "site_id"), arg_bool(hospitality)) > 0)
		refuse_change_under(field_int64("request_id"), "the sector of its site");
}

static Statement request_off_chain = STATEMENT(
	"SELECT r.request_id FROM license.license_request r WHERE r.license_id IS NULL"
	" AND (NOT EXISTS (" ABOVE("r.account_id")
	" SELECT FROM above WHERE account_id = r.partner_id AND " MAY_SELL ")"
	" OR NOT EXISTS (" ABOVE("r.account_id")
	" SELECT FROM above WHERE account_id = r.distributor_id AND " MAY_ISSUE "))"
	" ORDER BY r.account_id, r.request_id LIMIT 1");

static void
check_accounts(void)
{
	if (RUN(request_off_chain) > 0)
		refuse_change_under(field_int64("request_id"), "the accounts above its organization");
}

/*
 * license._request_basis_trg() → trigger
 *		After a change of a site, an account or a module: open requests must
 *		still fit it.  Errors: 23514, 39P01.
 */
Datum
license_request_basis_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_request_basis_trg",
										 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
										 ON_INSERT | ON_UPDATE | ON_DELETE, 0);
	const char *table = RelationGetRelationName(trigger->tg_relation);
	Operation	op;

	operation_begin_trigger(&op, fcinfo);
	if (strcmp(table, "account") == 0)
		check_accounts();
	else if (strcmp(table, "module") == 0)
		check_module(trigger);
	else
		check_site(trigger);
	operation_end(&op);
	return PointerGetDatum(NULL);
}
