/*
 * access_privileges.c
 *		Grants a role the privileges of a level, and revokes them.
 *
 * GRANT takes no parameters, so the statements are built from quoted catalog
 * names.  access.def and access_tables.def say what a level may do.
 */
#include "access/access_privileges.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "core/statement.h"
#include "executor/spi.h"
#include "utils/builtins.h"

static const struct
{
	const char *name;
	int			levels;
}			function_levels[] = {
#define FUNCTION(name, account_argument, levels) {name, levels},
#include "access/access.def"
#undef FUNCTION
};

/* What levels other than provider may do with a table */
typedef struct TableRule
{
	const char *table;
	const char *command;
	int			levels;
	const char *columns;		/* NULL: all */
} TableRule;

static const TableRule table_rules[] = {
#define READ(table, levels, columns) {table, "SELECT", levels, columns},
#define WRITE(table, command, levels, columns) {table, command, levels, columns},
#define EXTENSION_WRITES(table)
#include "access/access_tables.def"
#undef READ
#undef WRITE
#undef EXTENSION_WRITES
};

static const char *const extension_writes[] = {
#define READ(table, levels, columns)
#define WRITE(table, command, levels, columns)
#define EXTENSION_WRITES(table) table,
#include "access/access_tables.def"
#undef READ
#undef WRITE
#undef EXTENSION_WRITES
};

static void
execute(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run: %s", sql);
}

/* Every level executes the functions that policies, views, defaults and the key type call. */
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

static Statement access_functions = STATEMENT(
	"SELECT p.proname, p.oid::regprocedure::text AS signature FROM pg_catalog.pg_proc p"
	" WHERE p.pronamespace = 'license'::regnamespace AND p.prorettype <> 'trigger'::regtype ORDER BY 2");

/* verb and preposition are GRANT and TO, or REVOKE and FROM. */
static void
change_functions(const char *verb, const char *preposition, const char *role, int level)
{
	SPITupleTable *functions;
	int			proname;
	int			signature;

	RUN(access_functions);
	functions = SPI_tuptable;
	proname = SPI_fnumber(functions->tupdesc, "proname");
	signature = SPI_fnumber(functions->tupdesc, "signature");
	for (uint64 i = 0; i < functions->numvals; i++)
	{
		char	   *name = SPI_getvalue(functions->vals[i], functions->tupdesc, proname);

		if (levels_of_function(name) & level)
			execute(psprintf("%s EXECUTE ON ROUTINE %s %s %s", verb,
							 SPI_getvalue(functions->vals[i], functions->tupdesc, signature),
							 preposition, role));
	}
}

static void
change_tables(const char *verb, const char *preposition, const char *role, int level)
{
	for (int i = 0; i < lengthof(table_rules); i++)
	{
		const TableRule *rule = &table_rules[i];

		if ((rule->levels & level) == 0)
			continue;
		execute(psprintf("%s %s%s%s%s ON license.%s %s %s", verb, rule->command,
						 rule->columns ? " (" : "", rule->columns ? rule->columns : "", rule->columns ? ")" : "",
						 quote_identifier(rule->table), preposition, role));
	}
}

static void
revoke_extension_writes(const char *role)
{
	for (int i = 0; i < lengthof(extension_writes); i++)
		execute(psprintf("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON license.%s FROM %s",
						 quote_identifier(extension_writes[i]), role));
}

static Statement access_tables_statement = STATEMENT(
	"SELECT pg_catalog.string_agg(c.oid::regclass::text, ', ' ORDER BY c.relname) AS tables"
	" FROM pg_catalog.pg_class c WHERE c.relnamespace = 'license'::regnamespace AND c.relkind = 'r'");

/* The tables of the extension without its views, to which nobody writes: "license.access, license.account, ..." */
static const char *
tables_of_ours(void)
{
	RUN(access_tables_statement);
	return field_text("tables");
}

void
access_grant_level(const char *role, int level)
{
	execute(psprintf("GRANT USAGE ON SCHEMA license TO %s", role));
	execute(psprintf("GRANT USAGE ON TYPE license.license_key TO %s", role));
	change_functions("GRANT", "TO", role, level);
	if (level != PROVIDER)
	{
		change_tables("GRANT", "TO", role, level);
		return;
	}
	execute(psprintf("GRANT SELECT ON ALL TABLES IN SCHEMA license TO %s", role));
	execute(psprintf("GRANT INSERT, UPDATE, DELETE ON %s TO %s", tables_of_ours(), role));
	revoke_extension_writes(role);
}

void
access_revoke_level(const char *role, int level)
{
	change_functions("REVOKE", "FROM", role, level);
	if (level == PROVIDER)
		execute(psprintf("REVOKE SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA license FROM %s", role));
	else
		change_tables("REVOKE", "FROM", role, level);
}

void
access_revoke_everything(const char *role)
{
	execute(psprintf("REVOKE ALL ON ALL ROUTINES IN SCHEMA license FROM %s", role));
	execute(psprintf("REVOKE ALL ON ALL TABLES IN SCHEMA license FROM %s", role));
	execute(psprintf("REVOKE ALL ON TYPE license.license_key FROM %s", role));
	execute(psprintf("REVOKE ALL ON SCHEMA license FROM %s", role));
}

void
access_revoke_forbidden(const char *role)
{
	execute(psprintf("REVOKE TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA license FROM %s", role));
	revoke_extension_writes(role);
}
