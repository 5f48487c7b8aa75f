/*
 * access_grant.c
 *		Gives a role the privileges of a level, and takes them away.
 *
 * GRANT takes no parameters, so the statements are built from catalog names,
 * quoted; what a level may do is in access.def and access_tables.def.
 */
#include "license_ext.h"

#include "access.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "operation.h"
#include "plans.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(license_grant_access);
PG_FUNCTION_INFO_V1(license_revoke_access);

static const struct
{
	const char *name;
	int			levels;
}			function_levels[] = {
#define FUNCTION(name, account_argument, levels) {name, levels},
#include "access.def"
#undef FUNCTION
};

typedef struct TableRule
{
	const char *name;
	int			levels;			/* who may write */
	const char *privileges;
	bool		hidden;			/* from all but the provider */
	const char *columns;		/* that reading levels see; NULL: all */
} TableRule;

static const TableRule table_rules[] = {
#define READ_HIDDEN(name) {name, 0, NULL, true, NULL},
#define READ_COLUMNS(name, columns) {name, 0, NULL, false, columns},
#define TABLE(name, levels, privileges) {name, levels, privileges, false, NULL},
#include "access_tables.def"
#undef READ_HIDDEN
#undef READ_COLUMNS
#undef TABLE
};

static void
execute(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run: %s", sql);
}

/* Functions of policies, views, defaults and of the key type serve every level. */
static int
levels_of_function(const char *name)
{
	for (int i = 0; i < lengthof(function_levels); i++)
	{
		if (strcmp(function_levels[i].name, name) == 0)
			return function_levels[i].levels;
	}
	if (name[0] == '_' || strncmp(name, "license_key_", strlen("license_key_")) == 0)
		return EVERY_LEVEL;
	return PROVIDER;
}

static void
grant_functions(const char *role, int level)
{
	uint64		rows = RUN0(access_functions);
	SPITupleTable *functions = SPI_tuptable;

	for (uint64 i = 0; i < rows; i++)
	{
		char	   *name = SPI_getvalue(functions->vals[i], functions->tupdesc, 1);
		char	   *signature = SPI_getvalue(functions->vals[i], functions->tupdesc, 2);

		if (levels_of_function(name) & level)
			execute(psprintf("GRANT EXECUTE ON ROUTINE %s TO %s", signature, role));
	}
}

static void
grant_reading(const char *table, const char *role)
{
	const char *columns = NULL;

	for (int i = 0; i < lengthof(table_rules); i++)
	{
		if (strcmp(table_rules[i].name, table) != 0)
			continue;
		if (table_rules[i].hidden)
			return;
		if (table_rules[i].columns != NULL)
			columns = table_rules[i].columns;
	}
	execute(psprintf("GRANT SELECT %s%s%s ON license.%s TO %s", columns ? "(" : "",
					 columns ? columns : "", columns ? ")" : "", quote_identifier(table), role));
}

static void
grant_writing(const char *role, int level)
{
	for (int i = 0; i < lengthof(table_rules); i++)
	{
		if (table_rules[i].levels & level)
			execute(psprintf("GRANT %s ON license.%s TO %s", table_rules[i].privileges,
							 quote_identifier(table_rules[i].name), role));
	}
}

/*
 * TRIGGER is for nobody: a trigger's function runs as the owner of the
 * extension.  Row-level security stops neither TRUNCATE nor REFERENCES, and
 * does not look at the table of grants.
 */
static void
grant_provider(const char *role, bool confined)
{
	execute(psprintf("GRANT SELECT, INSERT, UPDATE, DELETE%s ON ALL TABLES IN SCHEMA license TO %s",
					 confined ? "" : ", TRUNCATE, REFERENCES", role));
	execute(psprintf("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON license.access FROM %s", role));
}

static void
grant_tables(const char *role, int level)
{
	uint64		rows = RUN0(access_tables);
	SPITupleTable *tables = SPI_tuptable;

	for (uint64 i = 0; i < rows && (level & READING_LEVELS); i++)
		grant_reading(SPI_getvalue(tables->vals[i], tables->tupdesc, 1), role);
	grant_writing(role, level);
}

static void
grant_level(const char *role, int level, bool confined)
{
	execute(psprintf("GRANT USAGE ON SCHEMA license TO %s", role));
	execute(psprintf("GRANT USAGE ON TYPE license.license_key TO %s", role));
	grant_functions(role, level);
	if (level == PROVIDER)
		grant_provider(role, confined);
	else
		grant_tables(role, level);
}

static void
revoke_everything(const char *role)
{
	execute(psprintf("REVOKE ALL ON ALL ROUTINES IN SCHEMA license FROM %s", role));
	execute(psprintf("REVOKE ALL ON ALL TABLES IN SCHEMA license FROM %s", role));
	execute(psprintf("REVOKE ALL ON TYPE license.license_key FROM %s", role));
	execute(psprintf("REVOKE ALL ON SCHEMA license FROM %s", role));
}

/* PUBLIC and the owner itself are no roles to be confined. */
static char *
grantable_role(Oid role, Oid owner)
{
	if (!OidIsValid(role) || role == owner)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("access is granted to a role other than the owner of the extension"));
	return GetUserNameFromId(role, false);
}

static int
require_level(const char *name)
{
	int			level = access_level(name);

	if (level == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there is no level \"%s\"", name),
				errhint("Levels are provider, distributor, partner, customer, reader and service."));
	return level;
}

/*
 * license.grant_access(role regrole, level text, account_id bigint DEFAULT NULL) → void
 *		Gives an existing role a level in an account and what lies below it,
 *		or everywhere; replaces the level it had.  Contract 11.
 *		Errors: 22004, 22023 unknown level or no ordinary role, 23503 unknown
 *		account, 42501.
 */
Datum
license_grant_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	char	   *role;
	char	   *level;

	require_argument(fcinfo, 0, "role");
	require_argument(fcinfo, 1, "level");
	level = text_argument(fcinfo, 1);
	operation_begin(&op, fcinfo, "grant_access", operation_at());
	role = grantable_role(PG_GETARG_OID(0), op.owner);
	(void) require_level(level);
	revoke_everything(quote_identifier(role));
	grant_level(quote_identifier(role), require_level(level), !PG_ARGISNULL(2));
	RUN(access_put, arg_text(role), arg_text(level), arg_passed(fcinfo, 2));
	operation_end(&op);
	PG_RETURN_VOID();
}

/*
 * license.revoke_access(role regrole) → void
 *		Takes every level and privilege away from a role; nothing happens when
 *		it had none.  Errors: 22004, 22023, 42501.
 */
Datum
license_revoke_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	char	   *role;

	require_argument(fcinfo, 0, "role");
	operation_begin(&op, fcinfo, "revoke_access", operation_at());
	role = grantable_role(PG_GETARG_OID(0), op.owner);
	revoke_everything(quote_identifier(role));
	RUN(access_delete, arg_text(role));
	operation_end(&op);
	PG_RETURN_VOID();
}
