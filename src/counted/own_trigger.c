/*
 * own_trigger.c
 *		Recognizes the triggers of a counted foreign key.
 *
 * The functions look at copies of the triggers, because every catalog look-up
 * may free those of the relation cache.
 */
#include "counted/own_trigger.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* Short enough that a name with the suffix that Citus gives to a shard still fits into an identifier */
#define NAME_STEM_BYTES 40

const ChildTrigger own_trigger_child[CHILD_TRIGGERS] = {
	{"seat_row", "INSERT OR UPDATE OR DELETE", "FOR EACH ROW", "_seat_row_trg"},
	{"seat_count", "INSERT OR UPDATE OR DELETE", "FOR EACH STATEMENT", "_seat_count_trg"},
	{"seat_trunc", "TRUNCATE", "FOR EACH STATEMENT", "_seat_truncate_trg"},
};

/*
 * Reads the catalog without checking privileges: triggers call this as the role
 * that writes the table, which needs no privilege on schema license.
 */
Oid
own_trigger_function(const char *name)
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
own_trigger_is_marker(Trigger *trigger)
{
	return trigger->tgnargs > CHILD_ARG_KEYS &&
		trigger->tgfoid == own_trigger_function("_seat_truncate_trg");
}

char *
own_trigger_name(const char *stem, const char *suffix)
{
	int			length = pg_mbcliplen(stem, strlen(stem), NAME_STEM_BYTES);

	return psprintf("%.*s_%s", length, stem, suffix);
}

bool
own_trigger_is_named_after(Trigger *trigger, const char *constraint)
{
	for (int i = 0; i < CHILD_TRIGGERS; i++)
	{
		if (strcmp(trigger->tgname, own_trigger_name(constraint, own_trigger_child[i].suffix)) == 0)
			return true;
	}
	return false;
}

Trigger *
own_trigger_find_guard(Relation parent, const char *used)
{
	TriggerDesc *triggers = CopyTriggerDesc(parent->trigdesc);
	Oid			function = own_trigger_function("_seat_guard_trg");

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == function && trigger->tgnargs > GUARD_ARG_KEYS &&
			strcmp(trigger->tgargs[GUARD_ARG_USED], used) == 0)
			return trigger;
	}
	return NULL;
}

Trigger *
own_trigger_require(Relation child, Oid trigger)
{
	TriggerDesc *triggers = CopyTriggerDesc(child->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgoid == trigger)
			return &triggers->triggers[i];
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("a seat limit of \"%s\" was detached meanwhile", RelationGetRelationName(child)));
	return NULL;				/* keep the compiler quiet */
}
