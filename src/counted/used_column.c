/*
 * used_column.c
 *		Finds the foreign key that counts in a used column of a parent.
 */
#include "counted/used_column.h"

#include "access/table.h"
#include "commands/trigger.h"
#include "counted/foreign_key.h"
#include "counted/own_trigger.h"

/* The foreign key from child to parent that counts in the used column; in_doubt: see used_column_constraint(). */
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

		if (!own_trigger_is_marker(trigger) || strcmp(trigger->tgargs[CHILD_ARG_USED], used) != 0)
			continue;
		fk = foreign_key_find(rel, trigger);
		if (fk == NULL)
			*in_doubt = true;
		else if (fk->confrelid == parent)
			found = fk->conoid;
	}
	table_close(rel, NoLock);
	return found;
}

/* The tables with foreign keys to parent: for each such key, parent has a trigger of PostgreSQL's. */
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

Oid
used_column_constraint(Relation parent, const char *used, bool *in_doubt)
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
used_column_is_counted(Relation parent, const char *used, Oid *constraint)
{
	bool		in_doubt;

	*constraint = used_column_constraint(parent, used, &in_doubt);
	return in_doubt || OidIsValid(*constraint);
}
