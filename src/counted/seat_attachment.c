/*
 * seat_attachment.c
 *		Finds counted foreign keys in the catalog, by their triggers.
 */
#include "counted/seat_attachment.h"

#include "access/table.h"
#include "executor/spi.h"
#include "core/statement.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
name_keys(SeatAttachment *attachment)
{
	for (int i = 0; i < attachment->nkeys; i++)
	{
		attachment->child_keys[i] = get_attname(attachment->child, attachment->child_attnums[i], false);
		attachment->parent_keys[i] = get_attname(attachment->parent, attachment->parent_attnums[i], false);
	}
}

static SeatAttachment *
from_foreign_key(ForeignKeyCacheInfo *fk)
{
	SeatAttachment *attachment = palloc0(sizeof(SeatAttachment));

	attachment->constraint = get_constraint_name(fk->conoid);
	attachment->child = fk->conrelid;
	attachment->parent = fk->confrelid;
	attachment->nkeys = fk->nkeys;
	memcpy(attachment->child_attnums, fk->conkey, sizeof(fk->conkey));
	memcpy(attachment->parent_attnums, fk->confkey, sizeof(fk->confkey));
	name_keys(attachment);
	return attachment;
}

SeatAttachment *
seat_attachment_of_constraint(Relation child, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(RelationGetRelid(child), name, false);
	ListCell   *cell;

	foreach(cell, copyObject(RelationGetFKeyList(child)))
	{
		ForeignKeyCacheInfo *fk = lfirst(cell);

		if (fk->conoid != constraint)
			continue;
		(void) seat_foreign_key_index(constraint);
		return from_foreign_key(fk);
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("constraint \"%s\" of \"%s\" is not a foreign key",
				   name, RelationGetRelationName(child)));
	return NULL;				/* keep the compiler quiet */
}

static char *
name_or_null(char *argument)
{
	return argument[0] == '\0' ? NULL : pstrdup(argument);
}

static void
name_columns(SeatAttachment *attachment, Trigger *trigger)
{
	attachment->used = pstrdup(trigger->tgargs[SEAT_ARG_USED]);
	attachment->limit = name_or_null(trigger->tgargs[SEAT_ARG_LIMIT]);
	attachment->weight = name_or_null(trigger->tgargs[SEAT_ARG_WEIGHT]);
}

static void
require_columns(SeatAttachment *attachment)
{
	(void) seat_column_number(attachment->parent, attachment->used);
	if (attachment->limit != NULL)
		(void) seat_column_number(attachment->parent, attachment->limit);
	if (attachment->weight != NULL)
		(void) seat_column_number(attachment->child, attachment->weight);
}

SeatAttachment *
seat_attachment_of_trigger(Relation child, Trigger *trigger)
{
	SeatAttachment *attachment = from_foreign_key(seat_require_foreign_key(child, trigger));

	attachment->trigger = trigger->tgoid;
	name_columns(attachment, trigger);
	require_columns(attachment);
	return attachment;
}

/* What the trigger says, which is all there is when columns were renamed or the foreign key is gone */
static SeatAttachment *
from_trigger(Relation child, Trigger *trigger)
{
	SeatAttachment *attachment = palloc0(sizeof(SeatAttachment));

	attachment->trigger = trigger->tgoid;
	attachment->child = RelationGetRelid(child);
	attachment->nkeys = trigger->tgnargs - SEAT_ARG_KEYS;
	for (int i = 0; i < attachment->nkeys; i++)
		attachment->child_keys[i] = pstrdup(trigger->tgargs[SEAT_ARG_KEYS + i]);
	name_columns(attachment, trigger);
	return attachment;
}

static Oid
parent_of(Relation child, const char *constraint)
{
	Oid			oid = get_relation_constraint_oid(RelationGetRelid(child), constraint, true);
	ListCell   *cell;

	foreach(cell, RelationGetFKeyList(child))
	{
		ForeignKeyCacheInfo *fk = lfirst(cell);

		if (fk->conoid == oid)
			return fk->confrelid;
	}
	return InvalidOid;
}

SeatAttachment *
seat_attachment_find(Relation child, const char *constraint)
{
	TriggerDesc *triggers = CopyTriggerDesc(child->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		ForeignKeyCacheInfo *fk;
		SeatAttachment *attachment;

		if (!seat_trigger_counts(trigger))
			continue;
		fk = seat_foreign_key(child, trigger);
		if (fk != NULL ? strcmp(get_constraint_name(fk->conoid), constraint) != 0 :
			!seat_trigger_named_after(trigger, constraint))
			continue;
		attachment = from_trigger(child, trigger);
		attachment->constraint = pstrdup(constraint);
		attachment->parent = fk != NULL ? fk->confrelid : parent_of(child, constraint);
		return attachment;
	}
	return NULL;
}

List *
seat_attachments(Relation child)
{
	TriggerDesc *triggers = CopyTriggerDesc(child->trigdesc);
	List	   *found = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		SeatAttachment *attachment;
		ForeignKeyCacheInfo *fk;

		if (!seat_trigger_counts(trigger))
			continue;
		attachment = from_trigger(child, trigger);
		fk = seat_foreign_key(child, trigger);
		if (fk != NULL)
			attachment->parent = fk->confrelid;
		found = lappend(found, attachment);
	}
	return found;
}

static Statement seat_limited_tables_statement = STATEMENT(
	"SELECT DISTINCT tgrelid FROM pg_catalog.pg_trigger"
	" WHERE tgfoid = 'license._seat_truncate_trg()'::regprocedure ORDER BY 1");

List *
seat_limited_tables(void)
{
	List	   *found = NIL;
	uint64		tables = RUN(seat_limited_tables_statement);

	for (uint64 i = 0; i < tables; i++)
	{
		bool		isnull;

		found = lappend_oid(found, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
																  SPI_tuptable->tupdesc, 1, &isnull)));
	}
	return found;
}

Relation
seat_open_child(Oid child, LOCKMODE lock)
{
	Relation	rel = try_table_open(child, lock);

	if (rel == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table with OID %u does not exist", child));
	return rel;
}

static Trigger *
find_trigger(Relation child, Oid trigger)
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

/* The foreign key cannot change while its table is locked, so the parent is the same afterwards. */
SeatAttachment *
seat_attachment_lock(Oid child, Oid trigger, LOCKMODE child_lock, LOCKMODE parent_lock)
{
	Relation	rel = seat_open_child(child, child_lock);
	Trigger    *counting = find_trigger(rel, trigger);
	Relation	parent;
	SeatAttachment *attachment;

	parent = table_open(seat_require_foreign_key(rel, counting)->confrelid, parent_lock);
	seat_require_guard(rel, parent, counting->tgargs);
	attachment = seat_attachment_of_trigger(rel, counting);
	table_close(parent, NoLock);
	table_close(rel, NoLock);
	return attachment;
}

void
seat_attachment_require_counting(SeatAttachment *attachment)
{
	Relation	child = table_open(attachment->child, AccessShareLock);

	(void) seat_limit_build(child, find_trigger(child, attachment->trigger));
	table_close(child, NoLock);
	seat_triggers_require_enabled(attachment);
}
