/*
 * license_status.c
 *		The statuses of a licence and the changes between them.
 *
 * One table lists the changes and the operation that makes each.  The trigger
 * checks every UPDATE against it, so that plain SQL can do no more than the
 * operations.
 */
#include "license/license_status.h"

#include "account/site.h"
#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(license_status_transitions);
PG_FUNCTION_INFO_V1(license_license_trg);

static const struct
{
	const char *from;
	const char *to;
	OperationId operation;
}			transitions[] = {
	{PENDING_PROVISION, PENDING_START, OP_PROVISION},
	{PENDING_PROVISION, IN_USE, OP_PROVISION},
	{PENDING_PROVISION, CONTRACT_FINALIZED, OP_FINALIZE},
	{PENDING_START, IN_USE, OP_RECORD_CONNECTION},
	{PENDING_START, ACCESS_DENIED, OP_DENY_ACCESS},
	{PENDING_START, CONTRACT_FINALIZED, OP_FINALIZE},
	{IN_USE, ACCESS_DENIED, OP_DENY_ACCESS},
	{IN_USE, CONTRACT_FINALIZED, OP_FINALIZE},
	{ACCESS_DENIED, PENDING_START, OP_RESTORE_ACCESS},
	{ACCESS_DENIED, IN_USE, OP_RESTORE_ACCESS},
	{ACCESS_DENIED, CONTRACT_FINALIZED, OP_FINALIZE},
	{CONTRACT_FINALIZED, IN_USE, OP_RENEW},
};

/*
 * license.status_transitions() → SETOF (from_status, to_status, operation)
 *		Lists the changes of status, each with the operation that makes it.  The
 *		sweep finalizes licences, too.  Raises nothing.
 */
Datum
license_status_transitions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(transitions); i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false};

		values[0] = CStringGetTextDatum(transitions[i].from);
		values[1] = CStringGetTextDatum(transitions[i].to);
		values[2] = CStringGetTextDatum(operation_name_of(transitions[i].operation));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static bool
is_null(TriggerData *trigger, HeapTuple row, const char *column)
{
	return trigger_value(trigger, row, column).isnull;
}

static bool
is_listed(const char *from, const char *to)
{
	for (int i = 0; i < lengthof(transitions); i++)
	{
		if (strcmp(transitions[i].from, from) == 0 && strcmp(transitions[i].to, to) == 0)
			return true;
	}
	return false;
}

static bool
has_ended(TriggerData *trigger, HeapTuple row)
{
	NullableDatum ends_at = trigger_value(trigger, row, "ends_at");

	return !ends_at.isnull && DatumGetTimestampTz(ends_at.value) <= operation_at();
}

/* Only a renewal, of one licence or of a whole account, revives a finalized licence. */
static bool
is_renewal(void)
{
	return operation_is(OP_RENEW) || operation_is(OP_RENEW_ACCOUNT);
}

/* The conditions of a change that is listed */
static bool
is_allowed_now(TriggerData *trigger, const char *from, const char *to)
{
	bool		started = !is_null(trigger, trigger->tg_trigtuple, "starts_at");

	if (strcmp(from, PENDING_PROVISION) == 0 && strcmp(to, IN_USE) == 0)
		return strcmp(trigger_text(trigger, trigger->tg_newtuple, "start_rule"), "immediate") == 0;
	if (strcmp(from, CONTRACT_FINALIZED) == 0)
		return is_renewal();
	if (strcmp(from, ACCESS_DENIED) != 0 || strcmp(to, CONTRACT_FINALIZED) == 0)
		return true;
	/* Access returns to the status before, while the contract runs. */
	return started == (strcmp(to, IN_USE) == 0) && !has_ended(trigger, trigger->tg_newtuple);
}

static const char *
why_refused(const char *from, const char *to)
{
	if (!is_listed(from, to))
		return "There is no such change of status.";
	if (strcmp(from, PENDING_PROVISION) == 0)
		return "By its offer the contract starts with connections.";
	if (strcmp(from, CONTRACT_FINALIZED) == 0)
		return "Only a renewal brings a finalized licence back.";
	return "Access returns to the status before it was denied, while the contract runs.";
}

static void
refuse_transition(int64 license_id, const char *from, const char *to)
{
	StringInfoData ways;
	bool		same = strcmp(from, to) == 0;

	initStringInfo(&ways);
	for (int i = 0; i < lengthof(transitions); i++)
	{
		if (strcmp(transitions[i].from, from) == 0)
			appendStringInfo(&ways, "%s%s by license.%s()", ways.len ? ", " : "",
							 transitions[i].to, operation_name_of(transitions[i].operation));
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_STATUS_TRANSITION),
			same ? errmsg("licence " INT64_FORMAT " is %s already", license_id, from)
			: errmsg("licence " INT64_FORMAT " cannot go from %s to %s", license_id, from, to),
			same ? 0 : errdetail_internal("%s", why_refused(from, to)),
			errhint("From %s it can go to: %s.", from, ways.data));
}

void
license_status_require(int64 license_id, const char *from, const char *to)
{
	if (!is_listed(from, to))
		refuse_transition(license_id, from, to);
}

static void
check_transition(TriggerData *trigger)
{
	char	   *from = trigger_text(trigger, trigger->tg_trigtuple, "status");
	char	   *to = trigger_text(trigger, trigger->tg_newtuple, "status");
	NullableDatum license_id;

	/* The constraint of the column refuses NULL. */
	if (from == NULL || to == NULL || strcmp(from, to) == 0)
		return;
	if (is_listed(from, to) && is_allowed_now(trigger, from, to))
		return;
	license_id = trigger_value(trigger, trigger->tg_trigtuple, "license_id");
	refuse_transition(DatumGetInt64(license_id.value), from, to);
}

static bool
is_prolonged(TriggerData *trigger)
{
	NullableDatum old_end = trigger_value(trigger, trigger->tg_trigtuple, "ends_at");
	NullableDatum new_end = trigger_value(trigger, trigger->tg_newtuple, "ends_at");

	if (old_end.isnull)
		return false;
	return new_end.isnull || DatumGetTimestampTz(new_end.value) > DatumGetTimestampTz(old_end.value);
}

/* Raises LX010 if a licence at a site on the custom model is prolonged, or a licence moves to such a site. */
static void
check_model_of_site(FunctionCallInfo fcinfo, TriggerData *trigger)
{
	NullableDatum site_id = trigger_value(trigger, trigger->tg_newtuple, "site_id");
	Site		site;
	Operation	op;

	if (site_id.isnull || (!is_prolonged(trigger) && !trigger_changes(trigger, "site_id")))
		return;
	operation_begin_trigger(&op, fcinfo);
	/* The foreign key refuses a site that does not exist. */
	if (site_read_model(trigger_value(trigger, trigger->tg_newtuple, "account_id"), site_id, &site) &&
		site_is_custom(&site))
		site_refuse_custom(site.site_id, "it can be neither paid nor prolonged");
	operation_end(&op);
}

/* Columns whose changes do not count as a new version */
static bool
is_maintained(const char *column)
{
	return strcmp(column, "version") == 0 || strcmp(column, "connections") == 0 ||
		strcmp(column, "sweep_at") == 0;
}

static bool
changes_visibly(TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && !is_maintained(NameStr(att->attname)) &&
			trigger_changes(trigger, NameStr(att->attname)))
			return true;
	}
	return false;
}

static HeapTuple
count_version(TriggerData *trigger)
{
	const char *const column = "version";
	bool		isnull;
	Datum		version;

	if (!changes_visibly(trigger))
		return trigger->tg_newtuple;
	version = trigger_column(trigger, trigger->tg_trigtuple, column, &isnull);
	version = Int32GetDatum(DatumGetInt32(version) + 1);
	return trigger_change(trigger, trigger->tg_newtuple, 1, &column, &version, &isnull);
}

static bool
runs_without_end(TriggerData *trigger)
{
	HeapTuple	row = trigger->tg_trigtuple;

	return !is_null(trigger, row, "starts_at") && is_null(trigger, row, "ends_at");
}

static Statement offer_terms = STATEMENT(
	"SELECT coalesce(o.start_rule, 'immediate') AS start_rule, coalesce(o.base_module, '') AS base_module,"
	" ARRAY(SELECT m FROM pg_catalog.unnest(o.base_module || o.modules) WITH ORDINALITY u (m, n)"
	" WHERE m IS NOT NULL GROUP BY m ORDER BY min(n)) AS modules, o.term"
	" FROM (SELECT) one LEFT JOIN license.offer o ON o.sku = $1",
	TEXTOID);

/*
 * A new licence keeps the terms that its offer has now.  The foreign key refuses
 * an unknown offer.  A restored row brings its own terms, and is recognized by
 * its start rule.
 */
static HeapTuple
copy_terms_of_offer(FunctionCallInfo fcinfo, TriggerData *trigger)
{
	static const char *const columns[] = {"start_rule", "base_module", "modules", "term"};
	HeapTuple	row = trigger->tg_trigtuple;
	Datum		values[lengthof(columns)];
	bool		nulls[lengthof(columns)];
	int			copied;
	Operation	op;

	for (int i = 0; i < lengthof(columns); i++)
		values[i] = trigger_column(trigger, row, columns[i], &nulls[i]);
	if (!nulls[0] && !nulls[1] && !nulls[2])
		return row;
	copied = nulls[0] && !runs_without_end(trigger) ? 4 : 3;
	operation_begin_trigger(&op, fcinfo);
	RUN(offer_terms, arg_text(trigger_text(trigger, row, "sku")));
	for (int i = 0; i < copied; i++)
	{
		NullableDatum term = field_value(columns[i]);

		if (!nulls[i])
			continue;
		values[i] = term.value;
		nulls[i] = term.isnull;
	}
	row = SPI_copytuple(trigger_change(trigger, row, copied, columns, values, nulls));
	operation_end(&op);
	return row;
}

/*
 * license._license_trg() → trigger
 *		Before INSERT or UPDATE of a licence.  A new licence gets the start
 *		rule, base module, modules and term of its offer where it has none.  A
 *		change of status must be listed in status_transitions().  A licence at
 *		a site on the custom model is not prolonged.  Every visible change
 *		counts the version up.
 *		Errors: LX003, LX010, 39P01.
 */
Datum
license_license_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_own_trigger(fcinfo, "_license_trg",
											 TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW,
											 ON_INSERT | ON_UPDATE, 0, "license");

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(copy_terms_of_offer(fcinfo, trigger));
	check_transition(trigger);
	check_model_of_site(fcinfo, trigger);
	return PointerGetDatum(count_version(trigger));
}
