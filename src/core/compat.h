/*
 * compat.h
 *		One place for what differs between PostgreSQL 15 and 18.
 *
 * The newest signature wins; each shim names the release that changed it.
 */
#ifndef LICENSE_COMPAT_H
#define LICENSE_COMPAT_H

#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "utils/guc.h"

#if PG_VERSION_NUM < 150000
#error "license_ext needs PostgreSQL 15 or newer"
#endif

/* 16 split the varlena macros out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16 replaced the pg_*_ownercheck family */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) \
	pg_class_ownercheck(objectid, roleid)
#endif

/* 16 lets an input function return an error instead of raising it */
#ifndef ereturn
#define ereturn(context, dummy_value, ...) ereport(ERROR, __VA_ARGS__)
#endif

/* 16 made the index hint of an update a three-way answer and added a parameter to ExecInsertIndexTuples */
#if PG_VERSION_NUM < 160000
typedef bool TU_UpdateIndexes;
#define TU_None false
#define ExecInsertIndexTuplesForUpdate(rri, slot, estate, update_indexes) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL)
#else
#define ExecInsertIndexTuplesForUpdate(rri, slot, estate, update_indexes) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL, \
						  (update_indexes) == TU_Summarizing)
#endif

/*
 * 17 dropped the override stack in favor of a nested GUC level.  The stack is
 * cheaper, and both undo themselves when the transaction aborts.
 */
static inline int
search_path_restrict(void)
{
#if PG_VERSION_NUM >= 170000
	int			nest_level = NewGUCNestLevel();

	RestrictSearchPath();
	return nest_level;
#else
	OverrideSearchPath path = {.schemas = NIL, .addCatalog = true, .addTemp = false};

	PushOverrideSearchPath(&path);
	return 0;
#endif
}

static inline void
search_path_restore(int nest_level)
{
#if PG_VERSION_NUM >= 170000
	AtEOXact_GUC(false, nest_level);
#else
	(void) nest_level;
	PopOverrideSearchPath();
#endif
}

/* 18 added a place to count index searches */
#if PG_VERSION_NUM >= 180000
#define index_begin_plain_scan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define index_begin_plain_scan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

/* 18 brought generated columns that are not stored, and CHECKs that are not enforced */
#if PG_VERSION_NUM >= 180000
#define has_generated_column(constr) \
	((constr)->has_generated_stored || (constr)->has_generated_virtual)
#define check_is_enforced(check) ((check)->ccenforced)
#else
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#define has_generated_column(constr) ((constr)->has_generated_stored)
#define check_is_enforced(check) true
#endif

/* 18 brought foreign keys over periods: the parents of a row are many, and found by no equality */
#if PG_VERSION_NUM >= 180000
#define foreign_key_has_period(form) ((form)->conperiod)
#else
#define foreign_key_has_period(form) ((void) (form), false)
#endif

/* 18 says it before the declaration */
#ifndef pg_noreturn
#define pg_noreturn _Noreturn
#endif

/* 18 lets a library say its name and version */
#ifndef PG_MODULE_MAGIC_EXT
#define PG_MODULE_MAGIC_EXT(...) PG_MODULE_MAGIC
#endif

#endif							/* LICENSE_COMPAT_H */
