/*
 * seat_sql.c
 *		Statements over one counted foreign key: which parents are over their
 *		limit, which counts are wrong, and the correction.  As foreign keys do,
 *		they leave out tables that inherit from either.
 *
 * They run in the search_path of the caller and are qualified throughout.
 * Every operator is, too, so there is no IS DISTINCT FROM.
 */
#include "counted/seat_attachment.h"

#include "catalog/pg_type.h"
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
seat_counted_sql(SeatAttachment *attachment)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, "%s AS k%d, ", quote_identifier(attachment->child_keys[i]), i);
	append_weight(&sql, attachment);
	appendStringInfo(&sql, " AS units FROM ONLY %s", seat_qualified_name(attachment->child));
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
						 seat_equal_operator(get_atttype(attachment->parent, attachment->parent_attnums[i])),
						 other, i);
}

/* "FROM parent p LEFT JOIN counted c ON (keys)" */
static void
append_parents_with_count(StringInfo sql, SeatAttachment *attachment)
{
	appendStringInfo(sql, " FROM ONLY %s p LEFT JOIN counted c ON (",
					 seat_qualified_name(attachment->parent));
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
seat_broken_sql(SeatAttachment *attachment)
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
seat_difference_sql(SeatAttachment *attachment)
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
seat_recount_sql(SeatAttachment *attachment)
{
	const char *used = quote_identifier(attachment->used);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s p SET %s = d.units FROM (SELECT ",
					 seat_qualified_name(attachment->parent), used);
	append_keys(&sql, attachment);
	appendStringInfoString(&sql, "COALESCE(c.units, 0) AS units");
	append_parents_with_count(&sql, attachment);
	appendStringInfoString(&sql, ") d WHERE ");
	append_key_join(&sql, attachment, "d");
	appendStringInfo(&sql, " AND (p.%s IS NULL OR p.%s OPERATOR(pg_catalog.<>) d.units)", used, used);
	return sql.data;
}
