/*
 * event_row.c
 *		Writes the history of rows that any statement updates or deletes.
 *
 * An INSERT writes no event: the row may come from a restore, which brings its
 * history along.  The triggers fire for each row: a statement over transition
 * tables would keep a plan made for few rows, which is slow for many.
 */
#include "core/extension.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/trigger.h"
#include "history/event.h"
#include "lib/stringinfo.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(license_event_trg);
PG_FUNCTION_INFO_V1(license_event_truncate_trg);

/* A table whose rows have a history */
typedef struct Tracked
{
	const char *table;
	const char *id;				/* column with the id of the row; NULL: none */
	const char *beside;			/* column that is written even if it did not change */
	const char *secret;			/* column whose values are not written in full */
	const char *account;		/* column of the account */
	OperationId own_event;		/* operation that writes a better event itself; OP_NONE: none does */
	const char *untracked[4];	/* columns whose changes are not written */
} Tracked;

static const Tracked tracked[] = {
	{"license", "license_id", NULL, "key", "account_id", OP_NONE, {"version", "connections", "sweep_at"}},
	{"license_pool", "license_id", "pool", NULL, "account_id", OP_NONE, {"in_use"}},
	{"site", "site_id", NULL, NULL, "account_id", OP_NONE, {NULL}},
	{"account", "account_id", NULL, NULL, "account_id", OP_NONE, {NULL}},
	{"account_user", "user_id", NULL, "password_hash", "account_id", OP_NONE, {NULL}},
	{"device", "device_id", NULL, NULL, "account_id", OP_NONE, {"last_seen_at", "follows_user"}},
	{"payment", "payment_id", NULL, NULL, "account_id", OP_RECORD_PAYMENT, {NULL}},
	{"voucher", NULL, "code", "code", "redeemed_account_id", OP_REDEEM_VOUCHER, {NULL}},
};

static const Tracked *
tracked_table(TriggerData *trigger, const char *function)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);
	char	   *schema = get_namespace_name(RelationGetNamespace(trigger->tg_relation));

	for (int i = 0; schema != NULL && strcmp(schema, "license") == 0 && i < lengthof(tracked); i++)
	{
		if (strcmp(table, tracked[i].table) == 0)
			return &tracked[i];
	}
	ereport(ERROR,
			errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("trigger function license.%s fired on a table that is not tracked", function));
	return NULL;				/* keep the compiler quiet */
}

static bool
is_column(const char *column, const char *name)
{
	return name != NULL && strcmp(column, name) == 0;
}

/* Generated columns follow from others, which are written. */
static bool
is_untracked(const Tracked *table, Form_pg_attribute att)
{
	if (att->attisdropped || att->attgenerated != '\0')
		return true;
	for (int i = 0; i < lengthof(table->untracked); i++)
	{
		if (is_column(NameStr(att->attname), table->untracked[i]))
			return true;
	}
	return false;
}

/* What is written of a secret: the first group of a key, by which its owner knows it; nothing of a password */
static char *
hint_at(const char *column, const char *value, bool is_new)
{
	if (strcmp(column, "password_hash") == 0)
		return pstrdup(is_new ? "changed" : "set");
	return psprintf("%.*s-...", (int) strcspn(value, "-"), value);
}

static void
append_output(StringInfo json, Oid type, Datum value, bool quoted)
{
	Oid			output;
	bool		is_varlena;
	char	   *text;

	getTypeOutputInfo(type, &output, &is_varlena);
	text = OidOutputFunctionCall(output, value);
	if (quoted)
		escape_json(json, text);
	else
		appendStringInfoString(json, text);
}

static void
append_value(StringInfo json, Oid type, Datum value)
{
	char		moment[MAXDATELEN + 1];

	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(json, DatumGetBool(value) ? "true" : "false");
			break;
		case INT4OID:
		case INT8OID:
			append_output(json, type, value, false);
			break;
		case NUMERICOID:
			append_output(json, type, value, numeric_is_nan(DatumGetNumeric(value)) ||
						  numeric_is_inf(DatumGetNumeric(value)));
			break;
		case TIMESTAMPTZOID:
			escape_json(json, JsonEncodeDateTime(moment, value, TIMESTAMPTZOID, NULL));
			break;
		case TEXTARRAYOID:
			appendStringInfoString(json, TextDatumGetCString(DirectFunctionCall1(array_to_json, value)));
			break;
		case JSONBOID:
			JsonbToCString(json, &DatumGetJsonbP(value)->root, VARSIZE(DatumGetJsonbP(value)));
			break;
		default:
			append_output(json, type, value, true);
	}
}

/* Appends "column": value */
static void
append_member(StringInfo json, const Tracked *table, Form_pg_attribute att, Datum value, bool isnull, bool is_new)
{
	const char *column = NameStr(att->attname);
	StringInfoData text;

	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, column);
	appendStringInfoString(json, ": ");
	if (isnull)
		appendStringInfoString(json, "null");
	else if (is_column(column, table->secret))
	{
		initStringInfo(&text);
		append_output(&text, att->atttypid, value, false);
		escape_json(json, hint_at(column, text.data, is_new));
	}
	else
		append_value(json, att->atttypid, value);
}

/*
 * The values of a row as JSON.  If another version of it is given, only those
 * that differ from it; NULL if none does.
 */
static char *
row_values(TriggerData *trigger, const Tracked *table, HeapTuple row, HeapTuple other, bool is_new)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	bool		changed = false;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *column = NameStr(att->attname);
		bool		differs;
		bool		isnull;
		Datum		value;

		if (is_untracked(table, att))
			continue;
		differs = other == NULL || trigger_changes(trigger, column);
		if (!differs && !is_column(column, table->beside))
			continue;
		changed = changed || differs;
		value = heap_getattr(row, i + 1, desc, &isnull);
		append_member(&json, table, att, value, isnull, is_new);
	}
	appendStringInfoChar(&json, '}');
	return changed ? json.data : NULL;
}

/* What the event of a row is about */
typedef struct Subject
{
	bool		known;			/* false: there is no account for it */
	int64		account_id;
	int64		id;
} Subject;

static Statement event_provider = STATEMENT(
	"SELECT account_id FROM license.account WHERE kind = 'provider'"
	" ORDER BY parent_id NULLS FIRST, account_id LIMIT 1");

/* Events of a voucher that was not redeemed are in the history of the provider. */
static Subject
subject_of(TriggerData *trigger, const Tracked *table, HeapTuple row)
{
	Subject		subject = {.known = true};
	bool		isnull;

	subject.account_id = DatumGetInt64(trigger_column(trigger, row, table->account, &isnull));
	if (isnull)
	{
		subject.known = RUN(event_provider) > 0;
		subject.account_id = subject.known ? field_int64("account_id") : 0;
	}
	if (table->id != NULL)
		subject.id = DatumGetInt64(trigger_column(trigger, row, table->id, &isnull));
	return subject;
}

static void
write_for(const Tracked *table, const Subject *subject, const char *action, const char *old, const char *new)
{
	if (subject->known)
		event_write(subject->account_id, table->table, subject->id, action, old, new);
}

/* A row that got another id or account has an event under both. */
static void
write_change(TriggerData *trigger, const Tracked *table, const char *action)
{
	char	   *old = row_values(trigger, table, trigger->tg_trigtuple, trigger->tg_newtuple, false);
	char	   *new;
	Subject		before;
	Subject		after;

	if (old == NULL)
		return;
	new = row_values(trigger, table, trigger->tg_newtuple, trigger->tg_trigtuple, true);
	before = subject_of(trigger, table, trigger->tg_trigtuple);
	after = subject_of(trigger, table, trigger->tg_newtuple);
	/* An account that got another id has no history under the former one. */
	if (!is_column(table->id ? table->id : "", table->account))
		write_for(table, &before, action ? action : "update", old, new);
	else
		before.account_id = 0;
	if (before.account_id != after.account_id || before.id != after.id)
		write_for(table, &after, action ? action : "update", old, new);
}

static void
write_removal(TriggerData *trigger, const Tracked *table, const char *action)
{
	Subject		subject = subject_of(trigger, table, trigger->tg_trigtuple);

	write_for(table, &subject, action ? action : "delete",
			  row_values(trigger, table, trigger->tg_trigtuple, NULL, false), NULL);
}

/*
 * license._event_trg() → trigger
 *		After UPDATE or DELETE of a row of a tracked table: writes the values
 *		that changed, or all values of a deleted row, with the operation, the
 *		actor and the moment.  Errors: 39P01.
 */
Datum
license_event_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_event_trg", TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW,
										 ON_UPDATE | ON_DELETE, 0);
	const Tracked *table = tracked_table(trigger, "_event_trg");
	const char *action = operation_name();
	Operation	op;

	if (table->own_event != OP_NONE && operation_is(table->own_event))
		return PointerGetDatum(NULL);
	operation_begin_trigger(&op, fcinfo);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		write_change(trigger, table, action);
	else
		write_removal(trigger, table, action);
	operation_end(&op);
	return PointerGetDatum(NULL);
}

static Statement event_devices_truncated = STATEMENT(
	"INSERT INTO license.event (account_id, at, actor, subject, subject_id, action, old)"
	" SELECT account_id, $1, $2, 'account', account_id, 'truncate',"
	" pg_catalog.jsonb_build_object('devices', pg_catalog.count(*))"
	" FROM license.device GROUP BY account_id ORDER BY account_id",
	TIMESTAMPTZOID, TEXTOID);

/*
 * license._event_truncate_trg() → trigger
 *		Before TRUNCATE of a tracked table.  TRUNCATE of devices writes their
 *		number to the history of each account; the other tables cannot be
 *		truncated.  Errors: LX050, 39P01.
 */
Datum
license_event_truncate_trg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_trigger(fcinfo, "_event_truncate_trg", TRIGGER_EVENT_BEFORE, ON_TRUNCATE, 0);
	const Tracked *table = tracked_table(trigger, "_event_truncate_trg");
	Operation	op;

	if (strcmp(table->table, "device") != 0)
		ereport(ERROR,
				errcode(ERRCODE_APPEND_ONLY),
				errmsg("table \"%s\" cannot be truncated", table->table),
				errdetail("TRUNCATE would leave nothing of its rows in the history."),
				errhint("Use DELETE."));
	operation_begin_trigger(&op, fcinfo);
	RUN(event_devices_truncated, arg_time(operation_at()), arg_text(operation_actor()));
	operation_end(&op);
	return PointerGetDatum(NULL);
}
