/*
 * version.c
 *		Checks that the library and the SQL objects are of one version.
 *
 * A package manager replaces the library of all databases at once, and ALTER
 * EXTENSION updates each database later.  In between, operations would run on
 * tables of another version.
 */
#include "core/version.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* The version of the SQL objects in this database; NULL if the extension is not installed */
static char *
sql_version(void)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	char	   *version = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("license_ext"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		version = TextDatumGetCString(heap_getattr(tuple, Anum_pg_extension_extversion,
												   RelationGetDescr(catalog), &isnull));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return version;
}

/*
 * Looks once per backend.  An update of several steps runs scripts while the
 * catalog names a version in between.
 */
void
version_check(void)
{
	static bool same = false;
	char	   *version;

	if (same || creating_extension)
		return;
	version = sql_version();
	if (version != NULL && strcmp(version, LICENSE_EXT_VERSION) != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the library of extension license_ext and its SQL objects are of different versions"),
				errdetail("The library is of version %s, the SQL objects in this database are of version %s.",
						  LICENSE_EXT_VERSION, version),
				errhint("Run ALTER EXTENSION license_ext UPDATE, or connect again when that was done."));
	same = true;
}
