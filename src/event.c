/*
 * event.c
 *		The append-only history.
 */
#include "license_ext.h"

#include "event.h"
#include "operation.h"
#include "plans.h"
#include "trigger_util.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_event_trg);
PG_FUNCTION_INFO_V1(license_append_only_trg);

static const struct
{
	const char *table;
	PlanId		update;
	PlanId		delete;
	const char *maintained[2];	/* columns set alone by what maintains them */
}			tracked[] = {
	{"license", PLAN_event_license_update, PLAN_event_license_delete, {"connections", "sweep_at"}},
	{"license_pool", PLAN_event_license_pool_update, PLAN_COUNT, {"in_use"}},
	{"site", PLAN_event_site_update, PLAN_COUNT, {NULL}},
	{"account", PLAN_event_account_update, PLAN_COUNT, {"last_device_number"}},
};

void
event_write(int64 account_id, const char *subject, int64 subject_id,
			const char *action, const char *old, const char *new)
{
	RUN(event_write, arg_int64(account_id), arg_time(operation_at()),
		arg_text(operation_actor()), arg_text(subject), arg_int64(subject_id),
		arg_text(action), arg_text(old), arg_text(new));
}

static PlanId
tracking_plan(TriggerData *trigger)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);

	for (int i = 0; i < lengthof(tracked); i++)
	{
		PlanId		plan = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
			tracked[i].update : tracked[i].delete;

		if (strcmp(table, tracked[i].table) == 0 && plan != PLAN_COUNT)
			return plan;
	}
	ereport(ERROR,
			errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("trigger function license._event_trg fired on a table that is not tracked"));
	return PLAN_COUNT;			/* keep the compiler quiet */
}

/* Counting a seat or planning a look is nothing for the history; most statements do just that. */
static bool
sets_only_maintained(TriggerData *trigger, PlanId plan)
{
	int			set;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return false;
	set = bms_num_members(trigger->tg_updatedcols);
	for (int i = 0; i < lengthof(tracked); i++)
	{
		for (int j = 0; tracked[i].update == plan && j < lengthof(tracked[i].maintained); j++)
		{
			if (tracked[i].maintained[j] != NULL &&
				trigger_names_column(trigger, tracked[i].maintained[j]))
				set--;
		}
	}
	return set == 0;
}

/*
 * license._event_trg() → trigger
 *		After a statement on a tracked table: writes what it changed, row by
 *		row, with the operation, the actor and the moment.  O34.
 *		Errors: 39P01.
 */
Datum
license_event_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_event_trg", TRIGGER_EVENT_AFTER,
										 ON_UPDATE | ON_DELETE, 0);
	PlanId		plan = tracking_plan(trigger);
	const char *action = operation_name();
	NullableDatum args[3];
	Operation	op;

	if (sets_only_maintained(trigger, plan))
		return PointerGetDatum(NULL);
	if (action == NULL)
		action = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "update" : "delete";
	operation_begin(&op, fcinfo, NULL, 0);
	if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the rows of the statement");
	args[0] = arg_time(operation_at());
	args[1] = arg_text(operation_actor());
	args[2] = arg_text(action);
	plan_run(plan, args, lengthof(args));
	operation_end(&op);
	return PointerGetDatum(NULL);
}

/* What changed, was bought or paid stays for good; a refusal only until it is purged. */
static bool
purges_denials(TriggerData *trigger)
{
	return TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && operation_is("purge_denials") &&
		strcmp(RelationGetRelationName(trigger->tg_relation), "denial") == 0;
}

/*
 * license._append_only_trg() → trigger
 *		Before a statement that would change or remove history: refuses.
 *		Errors: LX050, 39P01.  O34.
 */
Datum
license_append_only_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_append_only_trg", TRIGGER_EVENT_BEFORE,
										 ON_UPDATE | ON_DELETE | ON_TRUNCATE, 0);

	if (purges_denials(trigger))
		return PointerGetDatum(NULL);
	ereport(ERROR,
			errcode(ERRCODE_APPEND_ONLY),
			errmsg("table \"%s\" is append-only", RelationGetRelationName(trigger->tg_relation)),
			errdetail("History can be read and added to, never changed or removed."));
	return PointerGetDatum(NULL);
}
