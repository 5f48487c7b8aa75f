/*
 * schema.c
 *		Schema license must be in good hands when the extension is installed.
 *
 * Who owns the schema, or may create in it, could plant a function there that
 * a call of ours takes for its own, and that would run as the superuser who
 * installs.
 */
#include "license_ext.h"

#include "operation.h"
#include "plans.h"

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

/*
 * license._require_own_schema() → void
 *		Raises 55000 unless schema license and all that is in it belongs to
 *		superusers, and nobody else may create in it.  Is there only while a
 *		script of the extension runs.
 */
Datum
license_require_own_schema(PG_FUNCTION_ARGS)
{
	Operation	op;

	operation_begin_unchecked(&op, fcinfo);
	if (RUN0(schema_owner) > 0)
		refuse(psprintf("schema \"license\" belongs to role \"%s\"", got_text(1)),
			   "Drop the schema, or ALTER SCHEMA license OWNER TO CURRENT_USER.");
	if (RUN0(schema_creator) > 0)
		refuse(psprintf("role \"%s\" may create objects in schema \"license\"", got_text(1)),
			   "REVOKE CREATE ON SCHEMA license FROM that role.");
	if (RUN0(schema_planted) > 0)
		refuse(psprintf("%s belongs to role \"%s\"", got_text(1), got_text(2)),
			   "Drop it, or give it to a superuser once you know what it does.");
	operation_end(&op);
	PG_RETURN_VOID();
}
