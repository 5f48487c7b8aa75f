/*
 * event.c
 *		The append-only history.
 */
#include "history/event.h"

#include "core/operation.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_session_role);
PG_FUNCTION_INFO_V1(license_append_only_trg);

static Statement event_write_statement = STATEMENT(
	"INSERT INTO license.event (account_id, at, actor, subject, subject_id, action, old, new)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb)",
	INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID);

void
event_write(int64 account_id, const char *subject, int64 subject_id,
			const char *action, const char *old, const char *new)
{
	RUN(event_write_statement, arg_int64(account_id), arg_time(operation_at()),
		arg_text(operation_actor()), arg_text(subject), arg_int64(subject_id),
		arg_text(action), arg_text(old), arg_text(new));
}

/*
 * license._session_role() → name
 *		Returns the role that logged in.  SET ROLE, SET SESSION AUTHORIZATION
 *		and functions of other owners do not change it.  Raises nothing.
 */
Datum
license_session_role(PG_FUNCTION_ARGS)
{
	char	   *role = GetUserNameFromId(GetAuthenticatedUserId(), true);
	Name		name = palloc0(NAMEDATALEN);

	/* The role may have been dropped since it logged in. */
	namestrcpy(name, role != NULL ? role : psprintf("%u", GetAuthenticatedUserId()));
	PG_RETURN_NAME(name);
}

/* Only denials may be deleted, and only by purge_denials(). */
static bool
purges_denials(TriggerData *trigger)
{
	return TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && operation_is(OP_PURGE_DENIALS) &&
		strcmp(RelationGetRelationName(trigger->tg_relation), "denial") == 0;
}

/*
 * license._append_only_trg() → trigger
 *		Before UPDATE, DELETE or TRUNCATE of history: raises LX050.
 *		Errors: LX050, 39P01.
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
