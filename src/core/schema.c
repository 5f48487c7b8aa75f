/*
 * schema.c
 *		Checks that only superusers control schema license when the extension is
 *		installed.
 *
 * A role that owns the schema or may create in it could create a function there
 * that a call in our scripts resolves to; it would run as the superuser who
 * installs the extension.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/operation.h"
#include "core/statement.h"

PG_FUNCTION_INFO_V1(license_require_own_schema);

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("%s", message),
			errdetail("What is put into schema \"license\" could be run by a superuser."),
			errhint("%s", hint));
}

static Statement schema_owner = STATEMENT(
	"SELECT o.rolname::text AS role FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner"
	" WHERE n.nspname = 'license' AND NOT o.rolsuper");

static Statement schema_creator = STATEMENT(
	"SELECT coalesce(r.rolname::text, 'public') AS role FROM pg_catalog.pg_namespace n"
	" CROSS JOIN pg_catalog.aclexplode(n.nspacl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee"
	" WHERE n.nspname = 'license' AND a.privilege_type = 'CREATE' AND r.rolsuper IS NOT TRUE");

static Statement schema_planted = STATEMENT(
	"SELECT pg_catalog.pg_describe_object(d.classid, d.objid, 0) AS object, r.rolname::text AS role"
	" FROM pg_catalog.pg_depend d"
	" JOIN pg_catalog.pg_shdepend s ON s.classid = d.classid AND s.objid = d.objid AND s.deptype = 'o'"
	" AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
	" JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid"
	" WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = 'license'::regnamespace"
	" AND d.deptype = 'n' AND NOT r.rolsuper ORDER BY object");

/*
 * license._require_own_schema() → void
 *		Raises 55000 unless schema license and every object in it belongs to a
 *		superuser, and nobody else may create in it.  The function exists only
 *		while a script of the extension runs.
 */
Datum
license_require_own_schema(PG_FUNCTION_ARGS)
{
	Operation	op;

	operation_begin_unchecked(&op, fcinfo);
	if (RUN(schema_owner) > 0)
		refuse(psprintf("schema \"license\" belongs to role \"%s\"", field_text("role")),
			   "Drop the schema, or ALTER SCHEMA license OWNER TO CURRENT_USER.");
	if (RUN(schema_creator) > 0)
		refuse(psprintf("role \"%s\" may create objects in schema \"license\"", field_text("role")),
			   "REVOKE CREATE ON SCHEMA license FROM that role.");
	if (RUN(schema_planted) > 0)
		refuse(psprintf("%s belongs to role \"%s\"", field_text("object"), field_text("role")),
			   "Drop it, or give it to a superuser once you know what it does.");
	operation_end(&op);
	PG_RETURN_VOID();
}
