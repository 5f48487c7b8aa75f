/*
 * seat_attachment.c
 *		Finds counted foreign keys in the catalog, makes and drops their
 *		triggers.
 */
#include "seat_attachment.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/parse_func.h"
#include "plans.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Names with a shard's suffix must still fit into an identifier. */
#define NAME_STEM_BYTES 40

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

/* A foreign key that may be false for a while would let rows in uncounted. */
static void
require_immediate(Oid constraint, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	seat_refuse_period(form);
	if (form->condeferrable || !form->convalidated)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("foreign key \"%s\" is deferrable or not valid", name),
				errhint("Seats are counted along foreign keys that always hold."));
	ReleaseSysCache(tuple);
}

SeatAttachment *
seat_attachment_of_constraint(Relation child, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(RelationGetRelid(child), name, false);
	ListCell   *cell;

	foreach(cell, RelationGetFKeyList(child))
	{
		ForeignKeyCacheInfo *fk = lfirst(cell);

		if (fk->conoid != constraint)
			continue;
		require_immediate(constraint, name);
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

SeatAttachment *
seat_attachment_of_trigger(Relation child, Trigger *trigger)
{
	SeatAttachment *attachment =
		from_foreign_key(seat_foreign_key(child, trigger->tgnargs - SEAT_ARG_KEYS,
										  trigger->tgargs + SEAT_ARG_KEYS));

	attachment->used = pstrdup(trigger->tgargs[SEAT_ARG_USED]);
	attachment->limit = name_or_null(trigger->tgargs[SEAT_ARG_LIMIT]);
	attachment->weight = name_or_null(trigger->tgargs[SEAT_ARG_WEIGHT]);
	return attachment;
}

static Oid
own_function(const char *name)
{
	return LookupFuncName(list_make2(makeString("license"), makeString(pstrdup(name))),
						  0, NULL, false);
}

/* There is one truncate trigger a counted foreign key. */
static List *
attachments_of(Relation child)
{
	TriggerDesc *triggers = child->trigdesc;
	Oid			function = own_function("_seat_truncate_trg");
	List	   *found = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == function && trigger->tgnargs > SEAT_ARG_KEYS)
			found = lappend(found, seat_attachment_of_trigger(child, trigger));
	}
	return found;
}

SeatAttachment *
seat_attachment_find(Relation child, const char *constraint)
{
	ListCell   *cell;

	foreach(cell, attachments_of(child))
	{
		SeatAttachment *attachment = lfirst(cell);

		if (strcmp(attachment->constraint, constraint) == 0)
			return attachment;
	}
	return NULL;
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

static List *
append_attachments(List *found, Oid child)
{
	Relation	rel = seat_open_child(child, AccessShareLock);

	found = list_concat(found, attachments_of(rel));
	table_close(rel, NoLock);
	return found;
}

List *
seat_attachments(Oid child)
{
	List	   *found = NIL;
	uint64		tables;
	SPITupleTable *rows;

	if (OidIsValid(child))
	{
		found = append_attachments(NIL, child);
		if (found == NIL)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("\"%s\" has no seat limit", get_rel_name(child)));
		return found;
	}
	tables = RUN0(seat_limited_tables);
	rows = SPI_tuptable;
	for (uint64 i = 0; i < tables; i++)
	{
		bool		isnull;

		found = append_attachments(found,
								   DatumGetObjectId(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull)));
	}
	return found;
}

bool
seat_guards_column(Relation parent, const char *column)
{
	TriggerDesc *triggers = parent->trigdesc;
	Oid			function = own_function("_seat_guard_trg");

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == function && strcmp(trigger->tgargs[0], column) == 0)
			return true;
	}
	return false;
}

/* The child's triggers are named after the foreign key, the parent's after the used column. */
static char *
trigger_name(const char *stem, const char *suffix)
{
	int			length = pg_mbcliplen(stem, strlen(stem), NAME_STEM_BYTES);

	return pstrdup(quote_identifier(psprintf("%.*s_%s", length, stem, suffix)));
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
create_child_trigger(SeatAttachment *attachment, const char *suffix, const char *event,
					 const char *scope, const char *function)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TRIGGER %s AFTER %s ON %s %s EXECUTE FUNCTION license.%s(",
					 trigger_name(attachment->constraint, suffix), event,
					 seat_qualified_name(attachment->child), scope, function);
	append_argument(&sql, attachment->used);
	append_argument(&sql, attachment->limit);
	append_argument(&sql, attachment->weight);
	appendStringInfo(&sql, "%s)", key_arguments(attachment->child_keys, attachment->nkeys));
	execute_ddl(sql.data);
}

static void
create_parent_trigger(SeatAttachment *attachment, const char *suffix, const char *event,
					  const char *condition, const char *function)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TRIGGER %s %s ON %s FOR EACH ROW %s EXECUTE FUNCTION license.%s(",
					 trigger_name(attachment->used, suffix), event,
					 seat_qualified_name(attachment->parent), condition, function);
	append_argument(&sql, attachment->used);
	append_argument(&sql, attachment->limit);
	appendStringInfo(&sql, "%s)", key_arguments(attachment->parent_keys, attachment->nkeys));
	execute_ddl(sql.data);
}

void
seat_attachment_create_triggers(SeatAttachment *attachment)
{
	create_child_trigger(attachment, "seat_row", "INSERT OR UPDATE OR DELETE", "FOR EACH ROW",
						 "_seat_row_trg");
	create_child_trigger(attachment, "seat_count", "INSERT OR UPDATE OR DELETE", "FOR EACH STATEMENT",
						 "_seat_count_trg");
	create_child_trigger(attachment, "seat_trunc", "TRUNCATE", "FOR EACH STATEMENT", "_seat_truncate_trg");
	create_parent_trigger(attachment, "guard", "BEFORE INSERT OR UPDATE", "", "_seat_guard_trg");
	create_parent_trigger(attachment, "recreate", "AFTER DELETE",
						  psprintf("WHEN (OLD.%s OPERATOR(pg_catalog.>) 0)",
								   quote_identifier(attachment->used)),
						  "_seat_recreate_trg");
}

static void
drop_trigger(Oid relation, const char *stem, const char *suffix)
{
	execute_ddl(psprintf("DROP TRIGGER %s ON %s", trigger_name(stem, suffix),
						 seat_qualified_name(relation)));
}

void
seat_attachment_drop_triggers(SeatAttachment *attachment)
{
	drop_trigger(attachment->child, attachment->constraint, "seat_row");
	drop_trigger(attachment->child, attachment->constraint, "seat_count");
	drop_trigger(attachment->child, attachment->constraint, "seat_trunc");
	drop_trigger(attachment->parent, attachment->used, "guard");
	drop_trigger(attachment->parent, attachment->used, "recreate");
}

void
seat_attachment_run(SeatAttachment *attachment, const char *sql)
{
	seat_execute_as_owner(attachment->parent, sql, 0, NULL, NULL);
}
