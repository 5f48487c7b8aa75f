/*
 * site.c
 *		What may change about a site, and what several areas need of one.
 */
#include "account/site.h"

#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
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
site_refuse_custom(int64 site_id, const char *reason)
{
	ereport(ERROR,
			errcode(ERRCODE_MIGRATION_REQUIRED),
			errmsg("site " INT64_FORMAT " must be migrated first", site_id),
			errdetail("It is on the custom licence model: %s.", reason),
			errhint("Ask for the migration with license.request_migration(); support makes it with license.approve_migration()."));
}

void
site_refuse_other_type(int64 site_id, const char *type)
{
	ereport(ERROR,
			errcode(ERRCODE_SITE_TYPE_FIXED),
			errmsg("the type of site " INT64_FORMAT " cannot be changed", site_id),
			errdetail("It is \"%s\", and a type is chosen once.", type));
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

static Statement site_existing = STATEMENT(
	"SELECT FROM license.site WHERE account_id = $1 AND site_id = $2",
	INT8OID, INT8OID);

void
site_require_existing(int64 account_id, int64 site_id)
{
	if (RUN(site_existing, arg_int64(account_id), arg_int64(site_id)) == 0)
		site_refuse_unknown(account_id, site_id);
}

static Statement site_model = STATEMENT(
	"SELECT license_model, site_type FROM license.site WHERE account_id = $1 AND site_id = $2",
	INT8OID, INT8OID);

bool
site_read_model(NullableDatum account_id, NullableDatum site_id, Site *site)
{
	if (RUN(site_model, account_id, site_id) == 0)
		return false;
	*site = (Site) {
		.account_id = DatumGetInt64(account_id.value),
		.site_id = DatumGetInt64(site_id.value),
		.model = field_text("license_model"),
		.type = field_text("site_type"),
	};
	return true;
}

static Statement site_for_grant = STATEMENT(
	"UPDATE license.site s SET name = s.name FROM license.account a"
	" WHERE s.account_id = $1 AND s.site_id = $2 AND a.account_id = $1"
	" RETURNING s.license_model, s.site_type, s.region, s.auto_renew, a.time_zone",
	INT8OID, INT8OID);

void
site_lock_for_grant(int64 account_id, int64 site_id, Site *site)
{
	if (RUN(site_for_grant, arg_int64(account_id), arg_int64(site_id)) == 0)
		site_refuse_unknown(account_id, site_id);
	*site = (Site) {
		.account_id = account_id,
		.site_id = site_id,
		.model = field_text("license_model"),
		.type = field_text("site_type"),
		.region = field_text("region"),
		.auto_renew = field_bool("auto_renew"),
		.time_zone = field_text("time_zone"),
	};
}

bool
site_is_custom(const Site *site)
{
	return strcmp(site->model, "custom") == 0;
}

void
site_require_sellable(const Site *site)
{
	if (site_is_custom(site))
		site_refuse_custom(site->site_id, "it can be neither paid nor prolonged");
	if (site->type == NULL)
		refuse_pending_type(site->site_id);
}

static Statement site_renewal_of_licenses = STATEMENT(
	"UPDATE license.license l SET auto_renew = $4 FROM license.license_pool p"
	" WHERE l.account_id = $1 AND l.site_id = $2 AND l.status IN ('in_use', 'access_denied')"
	" AND l.auto_renew <> $4 AND p.account_id = $1 AND p.license_id = l.license_id AND p.pool = $3",
	INT8OID, INT8OID, TEXTOID, BOOLOID);

void
site_set_renewal_of_licenses(NullableDatum account_id, NullableDatum site_id,
							 NullableDatum type, NullableDatum auto_renew)
{
	RUN(site_renewal_of_licenses, account_id, site_id, type, auto_renew);
}

static int64
changed_site_id(TriggerData *trigger)
{
	return DatumGetInt64(trigger_value(trigger, trigger->tg_trigtuple, "site_id").value);
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
	if (!operation_is(OP_APPROVE_MIGRATION))
		site_refuse_custom(changed_site_id(trigger), "only an approved migration changes that");
}

static void
check_type(TriggerData *trigger, bool was_custom)
{
	char	   *type = trigger_text(trigger, trigger->tg_trigtuple, "site_type");

	if (!trigger_changes(trigger, "site_type") || operation_is(OP_APPROVE_MIGRATION))
		return;
	if (was_custom)
		site_refuse_custom(changed_site_id(trigger), "the type is chosen after the migration");
	if (type != NULL)
		site_refuse_other_type(changed_site_id(trigger), type);
}

/* Moving the end of the custom licence would prolong it. */
static void
check_legacy_end(TriggerData *trigger, bool was_custom)
{
	NullableDatum old_end = trigger_value(trigger, trigger->tg_trigtuple, "legacy_ends_at");
	NullableDatum new_end = trigger_value(trigger, trigger->tg_newtuple, "legacy_ends_at");

	if (was_custom && !old_end.isnull && !new_end.isnull &&
		DatumGetTimestampTz(new_end.value) > DatumGetTimestampTz(old_end.value))
		site_refuse_custom(changed_site_id(trigger), "its old licence cannot be prolonged");
}

/*
 * license._site_trg() → trigger
 *		Before UPDATE of a site.  Only approve_migration() changes the licence
 *		model.  The type is chosen once, after the migration.  The end of a
 *		custom licence is not moved to a later time.
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

/*
 * license._site_renewal_trg() → trigger
 *		After UPDATE of auto_renew of a site: sets it for the running licences
 *		of the site, whose notices depend on it.  Errors: 39P01.
 */
Datum
license_site_renewal_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_site_renewal_trg",
											 TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
											 ON_UPDATE, 0, "site");
	HeapTuple	row = trigger->tg_newtuple;
	Operation	op;

	if (!trigger_changes(trigger, "auto_renew"))
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	site_set_renewal_of_licenses(trigger_value(trigger, row, "account_id"),
								 trigger_value(trigger, row, "site_id"),
								 trigger_value(trigger, row, "site_type"),
								 trigger_value(trigger, row, "auto_renew"));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
