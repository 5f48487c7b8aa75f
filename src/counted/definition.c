/*
 * definition.c
 *		Resolves what a trigger of the child counts, by the catalog.
 *
 * The parent is found through a foreign key of the table on which the trigger
 * fired, so a table that was renamed, copied or split into pieces finds its own
 * parent.  Resolving runs no code that belongs to the owners of the tables.
 */
#include "counted/definition.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "counted/foreign_key.h"
#include "counted/own_trigger.h"
#include "counted/permit.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

static void
resolve_key(SeatDefinition *def, SeatKey *key, Form_pg_attribute att, Oid collation)
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

/* Keys are put in the order of the index, so that all backends lock parents in one order. */
static void
resolve_keys(SeatDefinition *def, Relation parent, ForeignKeyCacheInfo *fk)
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

/* Child rows are read only up to the last column that is counted by. */
static void
resolve_child(SeatDefinition *def)
{
	def->last_child_attnum = def->weight.attnum;
	for (int i = 0; i < def->nkeys; i++)
		def->last_child_attnum = Max(def->last_child_attnum, def->keys[i].child_attnum);
}

/*
 * Must the trigger see an UPDATE of the used column?  The guard and other
 * triggers of this extension need not; _seat_row_trg() must, because a parent
 * may itself be the child of a counted foreign key.
 */
static bool
must_see_count(Trigger *trigger)
{
	if (trigger->tgisinternal || trigger->tgenabled == TRIGGER_DISABLED ||
		!TRIGGER_FOR_UPDATE(trigger->tgtype))
		return false;
	return get_func_namespace(trigger->tgfoid) != get_namespace_oid("license", true) ||
		strcmp(get_func_name(trigger->tgfoid), "_seat_row_trg") == 0;
}

/* Only an UPDATE statement fires triggers, computes generated columns and handles partitions. */
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
		if (must_see_count(&triggers->triggers[i]))
			return false;
	}
	return true;
}

static void
resolve_parent(SeatDefinition *def, Relation child, Relation parent, ForeignKeyCacheInfo *fk, char **args)
{
	permit_require(child, parent, args);
	def->used = column_require_integer(parent, args[CHILD_ARG_USED]);
	if (args[CHILD_ARG_LIMIT][0] != '\0')
		def->limit = column_require_integer(parent, args[CHILD_ARG_LIMIT]);
	def->index = foreign_key_index(fk->conoid);
	foreign_key_require_same_types(def->child, def->parent, fk->nkeys, fk->conkey, fk->confkey);
	resolve_keys(def, parent, fk);
	def->plain_parent = is_plain(parent);
}

/*
 * A statement on a partitioned table or an inheritance parent fires the row
 * triggers of this table, but not its statement trigger, which writes the count.
 */
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
resolve(SeatDefinition *def, Relation child, Trigger *trigger)
{
	char	  **args = trigger->tgargs;
	ForeignKeyCacheInfo *fk;
	Relation	parent;

	refuse_other_ways_in(child);
	fk = foreign_key_require(child, trigger);
	def->child = RelationGetRelid(child);
	def->parent = fk->confrelid;
	def->constraint = fk->conoid;
	if (args[CHILD_ARG_WEIGHT][0] != '\0')
		def->weight = column_require_weight(child, args[CHILD_ARG_WEIGHT]);
	parent = relation_open(def->parent, AccessShareLock);
	resolve_parent(def, child, parent, fk, args);
	relation_close(parent, NoLock);
	resolve_child(def);
}

SeatDefinition *
definition_build(Relation child, Trigger *trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "license_ext seat limit",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	SeatDefinition *def = palloc0(sizeof(SeatDefinition));

	def->kept.context = context;
	resolve(def, child, trigger);
	MemoryContextSwitchTo(caller);
	return def;
}
