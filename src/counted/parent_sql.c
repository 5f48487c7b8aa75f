/*
 * parent_sql.c
 *		Writes the counts of parents by UPDATE statements, for parents whose own
 *		triggers must see them.
 *
 * The text is fully qualified.  The search_path stays that of the caller, also
 * in triggers of the parent, as with PostgreSQL's foreign keys.
 */
#include "counted/parent_sql.h"

#include "catalog/pg_type.h"
#include "counted/limit.h"
#include "counted/maintenance.h"
#include "counted/quote.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* " WHERE k1 = $2 AND k2 = $3" over the key columns of the parent */
static void
append_key_filter(StringInfo sql, SeatDefinition *def)
{
	for (int i = 0; i < def->nkeys; i++)
	{
		AttrNumber	attnum = def->keys[i].parent_attnum;

		appendStringInfo(sql, " %s %s %s $%d", i ? "AND" : "WHERE",
						 quote_identifier(get_attname(def->parent, attnum, false)),
						 quote_equal_operator(get_atttype(def->parent, attnum)), i + 2);
	}
}

static char *
select_parent_sql(SeatDefinition *def)
{
	StringInfoData sql;
	char	   *limit = def->limit.attnum == 0 ? NULL :
		get_attname(def->parent, def->limit.attnum, false);

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s::bigint, %s::bigint, $1 FROM ONLY %s",
					 quote_identifier(get_attname(def->parent, def->used.attnum, false)),
					 limit ? quote_identifier(limit) : "NULL",
					 quote_table(def->parent));
	append_key_filter(&sql, def);
	appendStringInfoString(&sql, " FOR NO KEY UPDATE");
	return sql.data;
}

static char *
update_parent_sql(SeatDefinition *def)
{
	const char *used = quote_identifier(get_attname(def->parent, def->used.attnum, false));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s SET %s = COALESCE(%s, 0) OPERATOR(pg_catalog.+) $1",
					 quote_table(def->parent), used, used);
	append_key_filter(&sql, def);
	return sql.data;
}

static int64
column_or_zero(int column, bool *isnull)
{
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);

	return *isnull ? 0 : DatumGetInt64(value);
}

static void
write_one(SeatChanges *changes, const SeatDelta *delta, const char *select, const char *update)
{
	SeatDefinition *def = changes->def;
	Oid			types[INDEX_MAX_KEYS + 1] = {INT8OID};
	Datum		values[INDEX_MAX_KEYS + 1] = {Int64GetDatum(delta->units)};
	bool		uncounted;
	bool		unlimited;
	int64		used;
	int64		limit;

	for (int i = 0; i < def->nkeys; i++)
	{
		types[i + 1] = get_atttype(def->parent, def->keys[i].parent_attnum);
		values[i + 1] = delta->keys[i];
	}
	maintenance_execute(def->parent, select, def->nkeys + 1, types, values);
	/* The parent is being deleted with its children: there is no count to write. */
	if (SPI_processed == 0 && delta->units <= 0)
		return;
	if (SPI_processed == 0)
		limit_refuse_missing(changes->parent, def, delta);
	used = column_or_zero(1, &uncounted);
	limit = column_or_zero(2, &unlimited);
	limit_check(changes->parent, def, delta, used, unlimited, limit);
	maintenance_execute(def->parent, update, def->nkeys + 1, types, values);
}

void
parent_sql_apply(SeatChanges *changes)
{
	char	   *select = select_parent_sql(changes->def);
	char	   *update = update_parent_sql(changes->def);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (int i = 0; i < changes->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		write_one(changes, changes->deltas[i], select, update);
	}
	SPI_finish();
}
