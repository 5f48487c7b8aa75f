/*
 * count_sql.c
 *		The text of statements over one counted foreign key: which parents
 *		exceed their limit, which recorded counts are wrong, and the correction.
 *
 * Like foreign keys, they leave out tables that inherit from child or parent.
 * They run with the search_path of the caller, so every name is qualified.  IS
 * DISTINCT FROM is not used because its operator cannot be qualified.
 */
#include "counted/count_sql.h"

#include "catalog/pg_type.h"
#include "counted/quote.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
append_weight(StringInfo sql, SeatAttachment *attachment)
{
	const char *weight;

	if (attachment->weight == NULL)
	{
		appendStringInfoString(sql, "pg_catalog.count(*)");
		return;
	}
	weight = quote_identifier(attachment->weight);
	if (get_atttype(attachment->child, get_attnum(attachment->child, attachment->weight)) == BOOLOID)
		appendStringInfo(sql, "pg_catalog.count(*) FILTER (WHERE %s)", weight);
	else
		appendStringInfo(sql, "pg_catalog.sum(%s)::bigint", weight);
}

char *
count_sql_children(SeatAttachment *attachment)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, "%s AS k%d, ", quote_identifier(attachment->child_keys[i]), i);
	append_weight(&sql, attachment);
	appendStringInfo(&sql, " AS units FROM ONLY %s", quote_table(attachment->child));
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, " %s %s IS NOT NULL", i ? "AND" : "WHERE",
						 quote_identifier(attachment->child_keys[i]));
	appendStringInfoString(&sql, " GROUP BY ");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, "%s%d", i ? ", " : "", i + 1);
	return sql.data;
}

static void
append_key_join(StringInfo sql, SeatAttachment *attachment, const char *other)
{
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(sql, "%sp.%s %s %s.k%d", i ? " AND " : "",
						 quote_identifier(attachment->parent_keys[i]),
						 quote_equal_operator(get_atttype(attachment->parent, attachment->parent_attnums[i])),
						 other, i);
}

/* "FROM parent p LEFT JOIN counted c ON (keys)" */
static void
append_parents_with_count(StringInfo sql, SeatAttachment *attachment)
{
	appendStringInfo(sql, " FROM ONLY %s p LEFT JOIN counted c ON (",
					 quote_table(attachment->parent));
	append_key_join(sql, attachment, "c");
	appendStringInfoString(sql, ")");
}

static void
append_keys(StringInfo sql, SeatAttachment *attachment)
{
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(sql, "p.%s AS k%d, ", quote_identifier(attachment->parent_keys[i]), i);
}

char *
count_sql_broken(SeatAttachment *attachment)
{
	const char *limit = quote_identifier(attachment->limit);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_keys(&sql, attachment);
	appendStringInfo(&sql, "c.units, p.%s::bigint, pg_catalog.count(*) OVER ()", limit);
	append_parents_with_count(&sql, attachment);
	appendStringInfo(&sql, " WHERE c.units OPERATOR(pg_catalog.>) p.%s ORDER BY ", limit);
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, "%s%d", i ? ", " : "", i + 1);
	appendStringInfoString(&sql, " LIMIT 10");
	return sql.data;
}

char *
count_sql_differences(SeatAttachment *attachment)
{
	const char *used = quote_identifier(attachment->used);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_keys(&sql, attachment);
	appendStringInfo(&sql, "COALESCE(c.units, 0)::bigint, p.%s::bigint, %s%s::bigint", used,
					 attachment->limit ? "p." : "",
					 attachment->limit ? quote_identifier(attachment->limit) : "NULL");
	append_parents_with_count(&sql, attachment);
	appendStringInfo(&sql, " WHERE p.%s IS NULL OR p.%s OPERATOR(pg_catalog.<>) COALESCE(c.units, 0)",
					 used, used);
	return sql.data;
}

char *
count_sql_correction(SeatAttachment *attachment)
{
	const char *used = quote_identifier(attachment->used);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s p SET %s = d.units FROM (SELECT ",
					 quote_table(attachment->parent), used);
	append_keys(&sql, attachment);
	appendStringInfoString(&sql, "COALESCE(c.units, 0) AS units");
	append_parents_with_count(&sql, attachment);
	appendStringInfoString(&sql, ") d WHERE ");
	append_key_join(&sql, attachment, "d");
	appendStringInfo(&sql, " AND (p.%s IS NULL OR p.%s OPERATOR(pg_catalog.<>) d.units)", used, used);
	return sql.data;
}
