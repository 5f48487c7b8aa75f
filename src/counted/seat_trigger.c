/*
 * seat_trigger.c
 *		Makes, finds and drops the triggers of a counted foreign key.
 *
 * Triggers are looked at in copies: those of the relation cache may go at any
 * look into a catalog.
 */
#include "counted/seat_trigger.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "counted/seat_attachment.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Names with a shard's suffix must still fit into an identifier. */
#define NAME_STEM_BYTES 40

static const struct
{
	const char *suffix;
	const char *event;
	const char *scope;
	const char *function;
}			child_triggers[] = {
	{"seat_row", "INSERT OR UPDATE OR DELETE", "FOR EACH ROW", "_seat_row_trg"},
	{"seat_count", "INSERT OR UPDATE OR DELETE", "FOR EACH STATEMENT", "_seat_count_trg"},
	{"seat_trunc", "TRUNCATE", "FOR EACH STATEMENT", "_seat_truncate_trg"},
};

/* The guard, and the one that refuses a parent made anew */
#define PARENT_TRIGGERS 2

/*
 * Reads the catalog without a check of privileges: triggers call this as the
 * role that writes the table, which needs none on schema license.
 */
static Oid
own_function(const char *name)
{
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
										   PointerGetDatum(buildoidvector(NULL, 0)),
										   ObjectIdGetDatum(get_namespace_oid("license", false)));

	if (!OidIsValid(function))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("function license.%s() does not exist", name));
	return function;
}

bool
seat_trigger_counts(Trigger *trigger)
{
	return trigger->tgnargs > SEAT_ARG_KEYS &&
		trigger->tgfoid == own_function("_seat_truncate_trg");
}

/* The child's triggers are named after the foreign key, the parent's after the used column. */
static char *
trigger_name(const char *stem, const char *suffix)
{
	int			length = pg_mbcliplen(stem, strlen(stem), NAME_STEM_BYTES);

	return psprintf("%.*s_%s", length, stem, suffix);
}

bool
seat_trigger_named_after(Trigger *trigger, const char *constraint)
{
	for (int i = 0; i < lengthof(child_triggers); i++)
	{
		if (strcmp(trigger->tgname, trigger_name(constraint, child_triggers[i].suffix)) == 0)
			return true;
	}
	return false;
}

Trigger *
seat_guard_find(Relation parent, const char *used)
{
	TriggerDesc *triggers = CopyTriggerDesc(parent->trigdesc);
	Oid			function = own_function("_seat_guard_trg");

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == function && trigger->tgnargs > GUARD_ARG_KEYS &&
			strcmp(trigger->tgargs[GUARD_ARG_USED], used) == 0)
			return trigger;
	}
	return NULL;
}

/* The foreign key along which a table counts there; in_doubt says that there is a trigger of which it cannot be told. */
static Oid
counting_constraint(Oid child, Oid parent, const char *used, bool *in_doubt)
{
	Relation	rel = table_open(child, AccessShareLock);
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	Oid			found = InvalidOid;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		ForeignKeyCacheInfo *fk;

		if (!seat_trigger_counts(trigger) || strcmp(trigger->tgargs[SEAT_ARG_USED], used) != 0)
			continue;
		fk = seat_foreign_key(rel, trigger);
		if (fk == NULL)
			*in_doubt = true;
		else if (fk->confrelid == parent)
			found = fk->conoid;
	}
	table_close(rel, NoLock);
	return found;
}

/* The tables whose foreign keys lead to parent: their keys have a trigger here */
static List *
referencing_tables(Relation parent)
{
	TriggerDesc *triggers = CopyTriggerDesc(parent->trigdesc);
	List	   *tables = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (RI_FKey_trigger_type(triggers->triggers[i].tgfoid) == RI_TRIGGER_PK)
			tables = list_append_unique_oid(tables, triggers->triggers[i].tgconstrrelid);
	}
	return tables;
}

static Oid
find_constraint(Relation parent, const char *used, bool *in_doubt)
{
	Oid			found = InvalidOid;
	ListCell   *cell;

	*in_doubt = false;
	foreach(cell, referencing_tables(parent))
	{
		found = counting_constraint(lfirst_oid(cell), RelationGetRelid(parent), used, in_doubt);
		if (OidIsValid(found))
			break;
	}
	return found;
}

bool
seat_guard_is_alive(Relation parent, const char *used, Oid *constraint)
{
	bool		in_doubt;

	*constraint = find_constraint(parent, used, &in_doubt);
	return in_doubt || OidIsValid(*constraint);
}

static void
execute_ddl(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run: %s", sql);
}

static void
append_argument(StringInfo sql, const char *argument)
{
	appendStringInfo(sql, "%s, ", quote_literal_cstr(argument ? argument : ""));
}

static char *
key_arguments(char **keys, int nkeys)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < nkeys; i++)
		appendStringInfo(&list, "%s%s", i ? ", " : "", quote_literal_cstr(keys[i]));
	return list.data;
}

static void
create_child_trigger(SeatAttachment *attachment, int which)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TRIGGER %s AFTER %s ON %s %s EXECUTE FUNCTION license.%s(",
					 quote_identifier(trigger_name(attachment->constraint, child_triggers[which].suffix)),
					 child_triggers[which].event, seat_qualified_name(attachment->child),
					 child_triggers[which].scope, child_triggers[which].function);
	append_argument(&sql, attachment->used);
	append_argument(&sql, attachment->limit);
	append_argument(&sql, attachment->weight);
	appendStringInfo(&sql, "%s)", key_arguments(attachment->child_keys, attachment->nkeys));
	execute_ddl(sql.data);
}

static void
create_parent_trigger(SeatAttachment *attachment, const char *create, const char *suffix,
					  const char *event, const char *condition, const char *function)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s TRIGGER %s %s ON %s FOR EACH ROW %s EXECUTE FUNCTION license.%s(", create,
					 quote_identifier(trigger_name(attachment->used, suffix)), event,
					 seat_qualified_name(attachment->parent), condition, function);
	append_argument(&sql, attachment->used);
	append_argument(&sql, attachment->limit);
	appendStringInfo(&sql, "%s)", key_arguments(attachment->parent_keys, attachment->nkeys));
	execute_ddl(sql.data);
}

void
seat_triggers_create(SeatAttachment *attachment, bool replace_guard)
{
	const char *create = replace_guard ? "CREATE OR REPLACE" : "CREATE";

	for (int i = 0; i < lengthof(child_triggers); i++)
		create_child_trigger(attachment, i);
	create_parent_trigger(attachment, create, "guard", "BEFORE INSERT OR UPDATE", "", "_seat_guard_trg");
	create_parent_trigger(attachment, create, "recreate", "AFTER DELETE",
						  psprintf("WHEN (OLD.%s OPERATOR(pg_catalog.>) 0)",
								   quote_identifier(attachment->used)),
						  "_seat_recreate_trg");
}

static bool
has_keys(Trigger *trigger, int first, char **keys, int nkeys)
{
	if (trigger->tgnargs != first + nkeys)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		if (strcmp(trigger->tgargs[first + i], keys[i]) != 0)
			return false;
	}
	return true;
}

static bool
is_of_child(Trigger *trigger, SeatAttachment *attachment)
{
	bool		ours = false;

	for (int i = 0; i < lengthof(child_triggers); i++)
		ours = ours || trigger->tgfoid == own_function(child_triggers[i].function);
	return ours && has_keys(trigger, SEAT_ARG_KEYS, attachment->child_keys, attachment->nkeys) &&
		strcmp(trigger->tgargs[SEAT_ARG_USED], attachment->used) == 0;
}

static bool
is_of_parent(Trigger *trigger, SeatAttachment *attachment)
{
	return (trigger->tgfoid == own_function("_seat_guard_trg") ||
			trigger->tgfoid == own_function("_seat_recreate_trg")) &&
		trigger->tgnargs > GUARD_ARG_KEYS &&
		strcmp(trigger->tgargs[GUARD_ARG_USED], attachment->used) == 0;
}

static int
count_enabled(Oid relation, bool (*is_of) (Trigger *, SeatAttachment *), SeatAttachment *attachment)
{
	Relation	rel = table_open(relation, AccessShareLock);
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	int			count = 0;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (is_of(trigger, attachment) && (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
										   trigger->tgenabled == TRIGGER_FIRES_ALWAYS))
			count++;
	}
	table_close(rel, NoLock);
	return count;
}

void
seat_triggers_require_enabled(SeatAttachment *attachment)
{
	Oid			relation = InvalidOid;

	if (count_enabled(attachment->child, is_of_child, attachment) < lengthof(child_triggers))
		relation = attachment->child;
	else if (count_enabled(attachment->parent, is_of_parent, attachment) < PARENT_TRIGGERS)
		relation = attachment->parent;
	if (OidIsValid(relation))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("seat triggers of \"%s\" are disabled or missing", get_rel_name(relation)),
				errhint("Enable them, or call license.detach_seat_limit() and license.attach_seat_limit() again;"
						" then call license.recount_seats()."));
}

/* Finds them all before it drops one: the table must not be open then. */
static void
drop_triggers(Oid relation, bool (*is_of) (Trigger *, SeatAttachment *), SeatAttachment *attachment)
{
	Relation	rel = table_open(relation, AccessExclusiveLock);
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	List	   *names = NIL;
	ListCell   *cell;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (is_of(&triggers->triggers[i], attachment))
			names = lappend(names, pstrdup(triggers->triggers[i].tgname));
	}
	table_close(rel, NoLock);
	foreach(cell, names)
		execute_ddl(psprintf("DROP TRIGGER %s ON %s", quote_identifier(lfirst(cell)),
							 seat_qualified_name(relation)));
}

/* A foreign key that was led to another parent may find the guard of others there. */
static bool
is_guard_left(SeatAttachment *attachment)
{
	Relation	parent;
	bool		in_doubt;
	bool		left;

	if (!OidIsValid(attachment->parent))
		return false;
	parent = table_open(attachment->parent, AccessShareLock);
	left = !OidIsValid(find_constraint(parent, attachment->used, &in_doubt));
	table_close(parent, NoLock);
	return left;
}

void
seat_triggers_drop(SeatAttachment *attachment)
{
	drop_triggers(attachment->child, is_of_child, attachment);
	if (is_guard_left(attachment))
		drop_triggers(attachment->parent, is_of_parent, attachment);
}
