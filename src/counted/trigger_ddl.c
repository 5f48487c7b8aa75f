/*
 * trigger_ddl.c
 *		Creates, drops and checks the triggers of a counted foreign key.
 *
 * PostgreSQL fires triggers of the same time and level in order of their names.
 * This order matters here:
 *
 * Child, in each statement: PostgreSQL's own foreign key triggers
 * (RI_ConstraintTrigger_...) and <foreign key>_seat_row are AFTER ROW triggers,
 * so all of them have fired before <foreign key>_seat_count, an AFTER STATEMENT
 * trigger, writes the count.  The order among the row triggers does not matter,
 * since _seat_row only adds numbers.  AFTER STATEMENT triggers of the
 * application see the old count if their name sorts before
 * <foreign key>_seat_count.
 *
 * Parent: <used column>_guard is a BEFORE ROW trigger.  A BEFORE ROW trigger
 * of the application whose name sorts after it can still change the row that it
 * has checked.
 * <used column>_recreate is AFTER ROW, so that it sees a row that the statement
 * inserted with the key of the deleted one; its place among other AFTER ROW
 * triggers does not matter.
 */
#include "counted/trigger_ddl.h"

#include "access/table.h"
#include "counted/own_trigger.h"
#include "counted/quote.h"
#include "counted/used_column.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* <used column>_guard and <used column>_recreate */
#define PARENT_TRIGGERS 2

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
create_child_trigger(SeatAttachment *attachment, const ChildTrigger *trigger)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TRIGGER %s AFTER %s ON %s %s EXECUTE FUNCTION license.%s(",
					 quote_identifier(own_trigger_name(attachment->constraint, trigger->suffix)),
					 trigger->event, quote_table(attachment->child),
					 trigger->scope, trigger->function);
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
					 quote_identifier(own_trigger_name(attachment->used, suffix)), event,
					 quote_table(attachment->parent), condition, function);
	append_argument(&sql, attachment->used);
	append_argument(&sql, attachment->limit);
	appendStringInfo(&sql, "%s)", key_arguments(attachment->parent_keys, attachment->nkeys));
	execute_ddl(sql.data);
}

void
trigger_ddl_create(SeatAttachment *attachment, bool replace_guard)
{
	const char *create = replace_guard ? "CREATE OR REPLACE" : "CREATE";

	for (int i = 0; i < CHILD_TRIGGERS; i++)
		create_child_trigger(attachment, &own_trigger_child[i]);
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

	for (int i = 0; i < CHILD_TRIGGERS; i++)
		ours = ours || trigger->tgfoid == own_trigger_function(own_trigger_child[i].function);
	return ours && has_keys(trigger, CHILD_ARG_KEYS, attachment->child_keys, attachment->nkeys) &&
		strcmp(trigger->tgargs[CHILD_ARG_USED], attachment->used) == 0;
}

static bool
is_of_parent(Trigger *trigger, SeatAttachment *attachment)
{
	return (trigger->tgfoid == own_trigger_function("_seat_guard_trg") ||
			trigger->tgfoid == own_trigger_function("_seat_recreate_trg")) &&
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
trigger_ddl_require_enabled(SeatAttachment *attachment)
{
	Oid			relation = InvalidOid;

	if (count_enabled(attachment->child, is_of_child, attachment) < CHILD_TRIGGERS)
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

/* Finds all of them before it drops the first one, because DROP TRIGGER fails while the table is open. */
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
							 quote_table(relation)));
}

/*
 * Does no foreign key count in the used column any more?  A foreign key that was
 * pointed at another parent may find the guard of a different foreign key there.
 */
static bool
is_guard_unused(SeatAttachment *attachment)
{
	Relation	parent;
	bool		in_doubt;
	bool		unused;

	if (!OidIsValid(attachment->parent))
		return false;
	parent = table_open(attachment->parent, AccessShareLock);
	unused = !OidIsValid(used_column_constraint(parent, attachment->used, &in_doubt));
	table_close(parent, NoLock);
	return unused;
}

void
trigger_ddl_drop(SeatAttachment *attachment)
{
	drop_triggers(attachment->child, is_of_child, attachment);
	if (is_guard_unused(attachment))
		drop_triggers(attachment->parent, is_of_parent, attachment);
}
