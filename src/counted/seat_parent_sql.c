/*
 * seat_parent_sql.c
 *		Writes the new count by a statement, for parents whose own triggers must
 *		see it.
 *
 * All text is qualified: names resolve as the caller has it, also in the
 * parent's triggers, as with foreign keys.
 */
#include "counted/seat_limit.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

char *
seat_qualified_name(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/* The type may come with its own "=", in a schema of its own. */
char *
seat_equal_operator(Oid type)
{
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *text;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("type %s has no equality operator", format_type_be(type)));
	form = (Form_pg_operator) GETSTRUCT(tuple);
	text = psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return text;
}

/* " WHERE k1 = $2 AND k2 = $3" over the key columns of the parent */
static void
append_key_filter(StringInfo sql, SeatLimitDef *def)
{
	for (int i = 0; i < def->nkeys; i++)
	{
		AttrNumber	attnum = def->keys[i].parent_attnum;

		appendStringInfo(sql, " %s %s %s $%d", i ? "AND" : "WHERE",
						 quote_identifier(get_attname(def->parent, attnum, false)),
						 seat_equal_operator(get_atttype(def->parent, attnum)), i + 2);
	}
}

static char *
select_parent_sql(SeatLimitDef *def)
{
	StringInfoData sql;
	char	   *limit = def->limit.attnum == 0 ? NULL :
		get_attname(def->parent, def->limit.attnum, false);

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s::bigint, %s::bigint, $1 FROM ONLY %s",
					 quote_identifier(get_attname(def->parent, def->used.attnum, false)),
					 limit ? quote_identifier(limit) : "NULL",
					 seat_qualified_name(def->parent));
	append_key_filter(&sql, def);
	appendStringInfoString(&sql, " FOR NO KEY UPDATE");
	return sql.data;
}

static char *
update_parent_sql(SeatLimitDef *def)
{
	const char *used = quote_identifier(get_attname(def->parent, def->used.attnum, false));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s SET %s = COALESCE(%s, 0) OPERATOR(pg_catalog.+) $1",
					 seat_qualified_name(def->parent), used, used);
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
	SeatLimitDef *def = changes->def;
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
	seat_execute(def->parent, select, def->nkeys + 1, types, values);
	/* The children of a parent that is being deleted need no count. */
	if (SPI_processed == 0 && delta->units <= 0)
		return;
	if (SPI_processed == 0)
		seat_refuse_missing(changes->parent, def, delta);
	used = column_or_zero(1, &uncounted);
	limit = column_or_zero(2, &unlimited);
	seat_check_limit(changes->parent, def, delta, used, unlimited, limit);
	seat_execute(def->parent, update, def->nkeys + 1, types, values);
}

void
seat_parents_apply_sql(SeatChanges *changes)
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
