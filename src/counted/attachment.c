/*
 * attachment.c
 *		Finds counted foreign keys in the catalog, by their triggers.
 */
#include "counted/attachment.h"

#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "core/statement.h"
#include "counted/column.h"
#include "counted/foreign_key.h"
#include "counted/own_trigger.h"
#include "counted/permit.h"
#include "executor/spi.h"
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
attachment_of_constraint(Relation child, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(RelationGetRelid(child), name, false);
	ListCell   *cell;

	foreach(cell, copyObject(RelationGetFKeyList(child)))
	{
		ForeignKeyCacheInfo *fk = lfirst(cell);

		if (fk->conoid != constraint)
			continue;
		(void) foreign_key_index(constraint);
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
	attachment->used = pstrdup(trigger->tgargs[CHILD_ARG_USED]);
	attachment->limit = name_or_null(trigger->tgargs[CHILD_ARG_LIMIT]);
	attachment->weight = name_or_null(trigger->tgargs[CHILD_ARG_WEIGHT]);
}

static void
require_columns(SeatAttachment *attachment)
{
	(void) column_require(attachment->parent, attachment->used);
	if (attachment->limit != NULL)
		(void) column_require(attachment->parent, attachment->limit);
	if (attachment->weight != NULL)
		(void) column_require(attachment->child, attachment->weight);
}

/* Raises 42703, 42704 or 55000 when the columns or the foreign key that the trigger names are not there. */
static SeatAttachment *
of_trigger(Relation child, Trigger *trigger)
{
	SeatAttachment *attachment = from_foreign_key(foreign_key_require(child, trigger));

	attachment->trigger = trigger->tgoid;
	name_columns(attachment, trigger);
	require_columns(attachment);
	return attachment;
}

/* Only what the trigger itself says, since the columns may have been renamed and the foreign key dropped */
static SeatAttachment *
from_trigger(Relation child, Trigger *trigger)
{
	SeatAttachment *attachment = palloc0(sizeof(SeatAttachment));

	attachment->trigger = trigger->tgoid;
	attachment->child = RelationGetRelid(child);
	attachment->nkeys = trigger->tgnargs - CHILD_ARG_KEYS;
	for (int i = 0; i < attachment->nkeys; i++)
		attachment->child_keys[i] = pstrdup(trigger->tgargs[CHILD_ARG_KEYS + i]);
	name_columns(attachment, trigger);
	return attachment;
}

/* The parent of a foreign key by its name; 0 when there is none of that name */
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
attachment_find(Relation child, const char *constraint)
{
	TriggerDesc *triggers = CopyTriggerDesc(child->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		ForeignKeyCacheInfo *fk;
		SeatAttachment *attachment;

		if (!own_trigger_is_marker(trigger))
			continue;
		fk = foreign_key_find(child, trigger);
		if (fk != NULL ? strcmp(get_constraint_name(fk->conoid), constraint) != 0 :
			!own_trigger_is_named_after(trigger, constraint))
			continue;
		attachment = from_trigger(child, trigger);
		attachment->constraint = pstrdup(constraint);
		attachment->parent = fk != NULL ? fk->confrelid : parent_of(child, constraint);
		return attachment;
	}
	return NULL;
}

List *
attachment_list(Relation child)
{
	TriggerDesc *triggers = CopyTriggerDesc(child->trigdesc);
	List	   *found = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		SeatAttachment *attachment;
		ForeignKeyCacheInfo *fk;

		if (!own_trigger_is_marker(trigger))
			continue;
		attachment = from_trigger(child, trigger);
		fk = foreign_key_find(child, trigger);
		if (fk != NULL)
			attachment->parent = fk->confrelid;
		found = lappend(found, attachment);
	}
	return found;
}

static Statement attached_tables = STATEMENT(
	"SELECT DISTINCT tgrelid FROM pg_catalog.pg_trigger"
	" WHERE tgfoid = 'license._seat_truncate_trg()'::regprocedure ORDER BY 1");

List *
attachment_tables(void)
{
	List	   *found = NIL;
	uint64		tables = RUN(attached_tables);

	for (uint64 i = 0; i < tables; i++)
	{
		bool		isnull;

		found = lappend_oid(found, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
																  SPI_tuptable->tupdesc, 1, &isnull)));
	}
	return found;
}

Relation
attachment_open_child(Oid child, LOCKMODE lock)
{
	Relation	rel = try_table_open(child, lock);

	if (rel == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table with OID %u does not exist", child));
	return rel;
}

/* Locks the child first: after that its foreign key cannot change, so it locks the right parent next. */
SeatAttachment *
attachment_lock(Oid child, Oid trigger, LOCKMODE child_lock, LOCKMODE parent_lock)
{
	Relation	rel = attachment_open_child(child, child_lock);
	Trigger    *counting = own_trigger_require(rel, trigger);
	Relation	parent;
	SeatAttachment *attachment;

	parent = table_open(foreign_key_require(rel, counting)->confrelid, parent_lock);
	permit_require(rel, parent, counting->tgargs);
	attachment = of_trigger(rel, counting);
	table_close(parent, NoLock);
	table_close(rel, NoLock);
	return attachment;
}
