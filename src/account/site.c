/*
 * site.c
 *		Sites: what may change about one, and reading one to sell for it.
 */
#include "core/extension.h"

#include "core/operation.h"
#include "core/statement.h"
#include "account/site.h"
#include "core/trigger.h"

PG_FUNCTION_INFO_V1(license_site_trg);
PG_FUNCTION_INFO_V1(license_site_renewal_trg);

void
site_refuse_unknown(int64 account_id, int64 site_id)
{
	ereport(ERROR,
			errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			errmsg("site " INT64_FORMAT " does not exist", site_id),
			errdetail("Account " INT64_FORMAT " has no such site.", account_id));
}

void
site_refuse_custom(int64 site_id, const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_MIGRATION_REQUIRED),
			errmsg("site " INT64_FORMAT " must be migrated first", site_id),
			errdetail("It is on the custom licence model: %s.", what),
			errhint("Ask for the migration with license.request_migration(); support makes it with license.approve_migration()."));
}

static void
refuse_pending_type(int64 site_id)
{
	ereport(ERROR,
			errcode(ERRCODE_SITE_TYPE_PENDING),
			errmsg("the type of site " INT64_FORMAT " is not chosen yet", site_id),
			errdetail("Until then it is unknown whether apartments or devices are paid for."),
			errhint("Choose it with license.set_site_type()."));
}

static Statement site_lock_for_grant_statement = STATEMENT(
	"UPDATE license.site s SET name = s.name FROM license.account a"
	" WHERE s.account_id = $1 AND s.site_id = $2 AND a.account_id = $1"
	" RETURNING s.license_model, s.site_type, s.region, s.auto_renew, a.time_zone",
	INT8OID, INT8OID);

void
site_lock_for_grant(int64 account_id, int64 site_id, Site *site)
{
	if (RUN(site_lock_for_grant_statement, arg_int64(account_id), arg_int64(site_id)) == 0)
		site_refuse_unknown(account_id, site_id);
	site->account_id = account_id;
	site->site_id = site_id;
	site->model = got_text(1);
	site->type = got_text(2);
	site->region = got_text(3);
	site->auto_renew = got_bool(4);
	site->time_zone = got_text(5);
}

void
site_require_sellable(const Site *site)
{
	if (strcmp(site->model, "custom") == 0)
		site_refuse_custom(site->site_id, "it can be neither paid nor prolonged");
	if (site->type == NULL)
		refuse_pending_type(site->site_id);
}

static int64
changed_site_id(TriggerData *trigger)
{
	bool		isnull;

	return DatumGetInt64(trigger_column(trigger, trigger->tg_trigtuple, "site_id", &isnull));
}

static void
check_model(TriggerData *trigger, bool was_custom)
{
	if (!trigger_changes(trigger, "license_model"))
		return;
	if (!was_custom)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("site " INT64_FORMAT " cannot go to the custom licence model",
					   changed_site_id(trigger)),
				errdetail("The custom model is no longer supported; only the import of an old site may name it."));
	if (!operation_is("approve_migration"))
		site_refuse_custom(changed_site_id(trigger), "only an approved migration changes that");
}

static void
check_type(TriggerData *trigger, bool was_custom)
{
	char	   *type = trigger_text(trigger, trigger->tg_trigtuple, "site_type");

	if (!trigger_changes(trigger, "site_type") || operation_is("approve_migration"))
		return;
	if (was_custom)
		site_refuse_custom(changed_site_id(trigger), "the type is chosen after the migration");
	if (type != NULL)
		ereport(ERROR,
				errcode(ERRCODE_SITE_TYPE_FIXED),
				errmsg("the type of site " INT64_FORMAT " cannot be changed", changed_site_id(trigger)),
				errdetail("It is \"%s\", and a type is chosen once.", type));
}

/* A later end of the old licence is a prolongation under another name. */
static void
check_legacy_end(TriggerData *trigger, bool was_custom)
{
	bool		no_old;
	bool		no_new;
	Datum		old_end = trigger_column(trigger, trigger->tg_trigtuple, "legacy_ends_at", &no_old);
	Datum		new_end = trigger_column(trigger, trigger->tg_newtuple, "legacy_ends_at", &no_new);

	if (was_custom && !no_old && !no_new &&
		DatumGetTimestampTz(new_end) > DatumGetTimestampTz(old_end))
		site_refuse_custom(changed_site_id(trigger), "its old licence cannot be prolonged");
}

/*
 * license._site_trg() → trigger
 *		Before a site is changed: the licence model changes only by
 *		approve_migration(), the type is chosen once and not before, an old
 *		licence is not prolonged.  M3, M4, M27, M30.
 *		Errors: LX010, LX013, 23514, 39P01.
 */
Datum
license_site_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_site_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "site");
	char	   *model = trigger_text(trigger, trigger->tg_trigtuple, "license_model");
	bool		was_custom = strcmp(model, "custom") == 0;

	check_model(trigger, was_custom);
	check_type(trigger, was_custom);
	check_legacy_end(trigger, was_custom);
	return PointerGetDatum(trigger->tg_newtuple);
}

static Statement site_licenses_renew = STATEMENT(
	"UPDATE license.license l SET auto_renew = $4 FROM license.license_pool p"
	" WHERE l.account_id = $1 AND l.site_id = $2 AND l.status IN ('in_use', 'access_denied') AND l.auto_renew <> $4"
	" AND p.account_id = $1 AND p.license_id = l.license_id AND p.pool = $3",
	INT8OID, INT8OID, TEXTOID, BOOLOID);

/*
 * license._site_renewal_trg() → trigger
 *		After recurring payment was switched on or off for a site: what its
 *		licences say in notices follows.  M31.  Errors: 39P01.
 */
Datum
license_site_renewal_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_site_renewal_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "site");
	static const char *const names[] = {"account_id", "site_id", "site_type", "auto_renew"};
	NullableDatum args[4];
	Operation	op;

	if (!trigger_changes(trigger, "auto_renew"))
		return PointerGetDatum(NULL);
	for (int i = 0; i < lengthof(names); i++)
		args[i].value = trigger_column(trigger, trigger->tg_newtuple, names[i], &args[i].isnull);
	operation_begin(&op, fcinfo, NULL, 0);
	statement_run(&site_licenses_renew, args, lengthof(args));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
