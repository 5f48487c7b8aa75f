/*
 * foreign_key.c
 *		Which foreign key a trigger of the child counts along, and whether seats
 *		can be counted along it.
 *
 * The arguments of the trigger name the columns of the foreign key, not the
 * constraint, so a table that was renamed, copied or split into pieces finds
 * its own parent.  If several foreign keys have the same columns, the name of
 * the trigger tells which one is meant, else the parent that has a guard.  If
 * neither tells, none is chosen.
 */
#include "counted/foreign_key.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "counted/column.h"
#include "counted/own_trigger.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static bool
same_columns(ForeignKeyCacheInfo *fk, int ncolumns, const AttrNumber *columns)
{
	if (fk->nkeys != ncolumns)
		return false;
	for (int i = 0; i < ncolumns; i++)
	{
		if (fk->conkey[i] != columns[i])
			return false;
	}
	return true;
}

/* Returns copies, because opening another table may free the list of the relation cache. */
static List *
foreign_keys_over(Relation child, Trigger *trigger)
{
	int			ncolumns = trigger->tgnargs - CHILD_ARG_KEYS;
	AttrNumber	attnums[INDEX_MAX_KEYS];
	List	   *found = NIL;
	ListCell   *cell;

	if (ncolumns < 1 || ncolumns > INDEX_MAX_KEYS)
		elog(ERROR, "a foreign key cannot have %d columns", ncolumns);
	for (int i = 0; i < ncolumns; i++)
		attnums[i] = get_attnum(RelationGetRelid(child), trigger->tgargs[CHILD_ARG_KEYS + i]);
	foreach(cell, RelationGetFKeyList(child))
	{
		if (same_columns(lfirst(cell), ncolumns, attnums))
			found = lappend(found, copyObject(lfirst(cell)));
	}
	return found;
}

static bool
is_named(ForeignKeyCacheInfo *fk, Trigger *trigger)
{
	return own_trigger_is_named_after(trigger, get_constraint_name(fk->conoid));
}

/* Does the parent have a guard for the used column and the key of this foreign key? */
static bool
is_guarded(ForeignKeyCacheInfo *fk, Trigger *trigger)
{
	Relation	parent = table_open(fk->confrelid, AccessShareLock);
	Trigger    *guard = own_trigger_find_guard(parent, trigger->tgargs[CHILD_ARG_USED]);
	bool		guarded = guard != NULL && guard->tgnargs == GUARD_ARG_KEYS + fk->nkeys;

	for (int i = 0; guarded && i < fk->nkeys; i++)
		guarded = strcmp(guard->tgargs[GUARD_ARG_KEYS + i],
						 get_attname(fk->confrelid, fk->confkey[i], false)) == 0;
	table_close(parent, NoLock);
	return guarded;
}

/* The only candidate that fits; NULL when none fits, or several do */
static ForeignKeyCacheInfo *
the_one(List *candidates, bool (*fits) (ForeignKeyCacheInfo *, Trigger *), Trigger *trigger)
{
	ForeignKeyCacheInfo *found = NULL;
	ListCell   *cell;

	foreach(cell, candidates)
	{
		if (!fits(lfirst(cell), trigger))
			continue;
		if (found != NULL)
			return NULL;
		found = lfirst(cell);
	}
	return found;
}

static ForeignKeyCacheInfo *
choose(List *candidates, Trigger *trigger)
{
	ForeignKeyCacheInfo *fk;

	if (list_length(candidates) == 1)
		return linitial(candidates);
	fk = the_one(candidates, is_named, trigger);
	return fk != NULL ? fk : the_one(candidates, is_guarded, trigger);
}

ForeignKeyCacheInfo *
foreign_key_find(Relation child, Trigger *trigger)
{
	return choose(foreign_keys_over(child, trigger), trigger);
}

ForeignKeyCacheInfo *
foreign_key_require(Relation child, Trigger *trigger)
{
	List	   *candidates = foreign_keys_over(child, trigger);
	ForeignKeyCacheInfo *fk = choose(candidates, trigger);

	if (fk != NULL)
		return fk;
	for (int i = CHILD_ARG_KEYS; i < trigger->tgnargs; i++)
		(void) column_require(RelationGetRelid(child), trigger->tgargs[i]);
	if (candidates == NIL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("table \"%s\" has no foreign key to count seats by",
					   RelationGetRelationName(child)),
				errhint("Add the foreign key again, or call license.detach_seat_limit()."));
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("several foreign keys of \"%s\" have the columns of its seat limit",
				   RelationGetRelationName(child)),
			errhint("Give the one that is counted the name back it was attached by."));
	return NULL;				/* keep the compiler quiet */
}

static void
refuse_period(Form_pg_constraint form)
{
	if (foreign_key_has_period(form))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("foreign key \"%s\" is over periods", NameStr(form->conname)),
				errhint("Seats are counted along foreign keys that name one parent."));
}

/* A foreign key that may be violated for a while would admit rows without a parent that counts them. */
static void
refuse_deferrable(Form_pg_constraint form)
{
	if (form->condeferrable || !form->convalidated)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("foreign key \"%s\" is deferrable or not valid", NameStr(form->conname)),
				errhint("Seats are counted along foreign keys that always hold. Once it does, call license.recount_seats()."));
}

Oid
foreign_key_index(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	Oid			index;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	refuse_period(form);
	refuse_deferrable(form);
	index = form->conindid;
	ReleaseSysCache(tuple);
	return index;
}

/* The keys of child rows are hashed, compared and looked up by functions for the type of the parent's columns. */
void
foreign_key_require_same_types(Oid child, Oid parent, int nkeys, const AttrNumber *child_attnums,
							   const AttrNumber *parent_attnums)
{
	for (int i = 0; i < nkeys; i++)
	{
		if (get_atttype(child, child_attnums[i]) != get_atttype(parent, parent_attnums[i]))
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("key columns \"%s\" and \"%s\" differ in type",
						   get_attname(child, child_attnums[i], false),
						   get_attname(parent, parent_attnums[i], false)));
	}
}
