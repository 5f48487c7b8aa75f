/*
 * seat_def.c
 *		Resolves what a seat trigger counts, by the catalog.
 *
 * The parent is found through the fired table's own foreign key: a table that
 * was renamed, copied or split into pieces still finds its own parent.
 * Resolving runs no code of the tables' owners.
 */
#include "counted/seat_limit.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "counted/seat_trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

int64
seat_integer(Datum value, Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return DatumGetBool(value) ? 1 : 0;
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

Datum
seat_integer_datum(int64 value, Oid type)
{
	if ((type == INT2OID && (value > PG_INT16_MAX || value < PG_INT16_MIN)) ||
		(type == INT4OID && (value > PG_INT32_MAX || value < PG_INT32_MIN)))
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("seat count " INT64_FORMAT " is out of range of its column", value));
	if (type == INT2OID)
		return Int16GetDatum((int16) value);
	return type == INT4OID ? Int32GetDatum((int32) value) : Int64GetDatum(value);
}

AttrNumber
seat_column_number(Oid relation, const char *name)
{
	AttrNumber	attnum = get_attnum(relation, name);

	if (attnum <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("table \"%s\" has no column \"%s\" to count seats with",
					   get_rel_name(relation), name),
				errhint("After renaming a column, call license.detach_seat_limit() and license.attach_seat_limit() again."));
	return attnum;
}

static SeatColumn
find_column(Relation rel, const char *name)
{
	SeatColumn	column;

	column.attnum = seat_column_number(RelationGetRelid(rel), name);
	column.type = get_atttype(RelationGetRelid(rel), column.attnum);
	return column;
}

SeatColumn
seat_integer_column(Relation rel, const char *name)
{
	SeatColumn	column = find_column(rel, name);

	if (column.type != INT2OID && column.type != INT4OID && column.type != INT8OID)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" of table \"%s\" is not an integer",
					   name, RelationGetRelationName(rel)));
	if (TupleDescAttr(RelationGetDescr(rel), column.attnum - 1)->attgenerated)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("column \"%s\" of table \"%s\" is generated",
					   name, RelationGetRelationName(rel)));
	return column;
}

SeatColumn
seat_weight_column(Relation rel, const char *name)
{
	SeatColumn	column = find_column(rel, name);

	if (column.type != BOOLOID && column.type != INT2OID &&
		column.type != INT4OID && column.type != INT8OID)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" of table \"%s\" is neither an integer nor a boolean",
					   name, RelationGetRelationName(rel)));
	/* PostgreSQL 18 has generated columns that are not stored: no trigger sees their values */
	if (TupleDescAttr(RelationGetDescr(rel), column.attnum - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("generated column \"%s\" of table \"%s\" is not stored",
					   name, RelationGetRelationName(rel)));
	return column;
}

static void
resolve_key(SeatLimitDef *def, SeatKey *key, Form_pg_attribute att, Oid collation)
{
	TypeCacheEntry *type = lookup_type_cache(att->atttypid,
											 TYPECACHE_HASH_PROC_FINFO |
											 TYPECACHE_CMP_PROC_FINFO |
											 TYPECACHE_EQ_OPR_FINFO);

	if (!OidIsValid(type->hash_proc) || !OidIsValid(type->cmp_proc))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("key column \"%s\" cannot be hashed and ordered", NameStr(att->attname)));
	key->collation = collation;
	key->byval = att->attbyval;
	key->len = att->attlen;
	fmgr_info_copy(&key->hash, &type->hash_proc_finfo, def->kept.context);
	fmgr_info_copy(&key->compare, &type->cmp_proc_finfo, def->kept.context);
	fmgr_info_copy(&key->equal, &type->eq_opr_finfo, def->kept.context);
	if (att->atttypid != INT2OID && att->atttypid != INT4OID && att->atttypid != INT8OID)
		def->integer_keys = false;
}

/* The order of the index is the order in which every backend locks parents. */
static void
resolve_keys(SeatLimitDef *def, Relation parent, ForeignKeyCacheInfo *fk)
{
	Relation	index = index_open(def->index, AccessShareLock);

	def->nkeys = fk->nkeys;
	def->integer_keys = true;
	for (int i = 0; i < def->nkeys; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];
		SeatKey    *key = &def->keys[i];

		key->parent_attnum = attnum;
		for (int j = 0; j < fk->nkeys; j++)
		{
			if (fk->confkey[j] == attnum)
				key->child_attnum = fk->conkey[j];
		}
		resolve_key(def, key, TupleDescAttr(RelationGetDescr(parent), attnum - 1),
					index->rd_indcollation[i]);
	}
	index_close(index, AccessShareLock);
}

/* How far a child row must be deformed */
static void
resolve_child(SeatLimitDef *def)
{
	def->last_child_attnum = def->weight.attnum;
	for (int i = 0; i < def->nkeys; i++)
		def->last_child_attnum = Max(def->last_child_attnum, def->keys[i].child_attnum);
}

/* Triggers of this extension have nothing to say about a count, but that of a parent may itself be counted. */
static bool
is_heard(Trigger *trigger)
{
	if (trigger->tgisinternal || trigger->tgenabled == TRIGGER_DISABLED ||
		!TRIGGER_FOR_UPDATE(trigger->tgtype))
		return false;
	return get_func_namespace(trigger->tgfoid) != get_namespace_oid("license", true) ||
		strcmp(get_func_name(trigger->tgfoid), "_seat_row_trg") == 0;
}

static bool
is_plain(Relation parent)
{
	TupleConstr *constr = RelationGetDescr(parent)->constr;
	TriggerDesc *triggers = CopyTriggerDesc(parent->trigdesc);

	if (parent->rd_rel->relkind != RELKIND_RELATION || parent->rd_rel->relispartition ||
		(constr != NULL && has_generated_column(constr)))
		return false;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (is_heard(&triggers->triggers[i]))
			return false;
	}
	return true;
}

void
seat_require_writer(Relation child, Relation parent, const char *used)
{
	Oid			owner = child->rd_rel->relowner;
	AttrNumber	column = seat_column_number(RelationGetRelid(parent), used);

	if (has_privs_of_role(owner, parent->rd_rel->relowner) ||
		pg_class_aclcheck(RelationGetRelid(parent), owner, ACL_UPDATE) == ACLCHECK_OK ||
		pg_attribute_aclcheck(RelationGetRelid(parent), column, owner, ACL_UPDATE) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("seats of \"%s\" cannot be counted in \"%s\"",
				   RelationGetRelationName(child), RelationGetRelationName(parent)),
			errdetail("Role \"%s\", which owns \"%s\", may not update column \"%s\" of \"%s\".",
					  GetUserNameFromId(owner, false), RelationGetRelationName(child),
					  used, RelationGetRelationName(parent)),
			errhint("The owner of \"%s\" can grant UPDATE on the column.", RelationGetRelationName(parent)));
}

/* A foreign key can be led to another table, by a role that may refer to that table and not write it. */
void
seat_require_guard(Relation child, Relation parent, char **args)
{
	Trigger    *guard = seat_guard_find(parent, args[SEAT_ARG_USED]);

	if (guard == NULL || strcmp(guard->tgargs[GUARD_ARG_LIMIT], args[SEAT_ARG_LIMIT]) != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("column \"%s\" of \"%s\" is not guarded as one that counts seats",
					   args[SEAT_ARG_USED], RelationGetRelationName(parent)),
				errhint("Call license.detach_seat_limit() and license.attach_seat_limit() again."));
	seat_require_writer(child, parent, args[SEAT_ARG_USED]);
}

static void
resolve_parent(SeatLimitDef *def, Relation child, Relation parent, ForeignKeyCacheInfo *fk, char **args)
{
	seat_require_guard(child, parent, args);
	def->used = seat_integer_column(parent, args[SEAT_ARG_USED]);
	if (args[SEAT_ARG_LIMIT][0] != '\0')
		def->limit = seat_integer_column(parent, args[SEAT_ARG_LIMIT]);
	def->index = seat_foreign_key_index(fk->conoid);
	seat_refuse_other_types(def->child, def->parent, fk->nkeys, fk->conkey, fk->confkey);
	resolve_keys(def, parent, fk);
	def->plain_parent = is_plain(parent);
}

/* A statement on the other table fires the row triggers of this one and not what writes the count at its end. */
static void
refuse_other_ways_in(Relation child)
{
	if (!child->rd_rel->relispartition && !has_superclass(RelationGetRelid(child)))
		return;
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("seats cannot be counted in \"%s\", which is a partition or inherits from a table",
				   RelationGetRelationName(child)),
			errdetail("Rows written through the other table would take no seat."),
			errhint("Detach it from the other table, or call license.detach_seat_limit()."));
}

static void
resolve(SeatLimitDef *def, Relation child, Trigger *trigger)
{
	char	  **args = trigger->tgargs;
	ForeignKeyCacheInfo *fk;
	Relation	parent;

	refuse_other_ways_in(child);
	fk = seat_require_foreign_key(child, trigger);
	def->child = RelationGetRelid(child);
	def->parent = fk->confrelid;
	def->constraint = fk->conoid;
	if (args[SEAT_ARG_WEIGHT][0] != '\0')
		def->weight = seat_weight_column(child, args[SEAT_ARG_WEIGHT]);
	parent = relation_open(def->parent, AccessShareLock);
	resolve_parent(def, child, parent, fk, args);
	relation_close(parent, NoLock);
	resolve_child(def);
}

SeatLimitDef *
seat_limit_build(Relation child, Trigger *trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "license_ext seat limit",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	SeatLimitDef *def = palloc0(sizeof(SeatLimitDef));

	def->kept.context = context;
	resolve(def, child, trigger);
	MemoryContextSwitchTo(caller);
	return def;
}
