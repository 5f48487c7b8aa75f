/*
 * seat_sql.c
 *		Statements over one counted foreign key: which parents are over their
 *		limit, which counts are wrong, and the correction.  As foreign keys do,
 *		they leave out tables that inherit from either.
 */
#include "seat_attachment.h"

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

/* "SELECT keys, units FROM child GROUP BY keys": what the children take */
static void
append_counted(StringInfo sql, SeatAttachment *attachment)
{
	appendStringInfoString(sql, "SELECT ");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(sql, "%s AS k%d, ", quote_identifier(attachment->child_keys[i]), i);
	append_weight(sql, attachment);
	appendStringInfo(sql, " AS units FROM ONLY %s", seat_qualified_name(attachment->child));
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(sql, " %s %s IS NOT NULL", i ? "AND" : "WHERE",
						 quote_identifier(attachment->child_keys[i]));
	appendStringInfoString(sql, " GROUP BY ");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(sql, "%s%d", i ? ", " : "", i + 1);
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

/* "FROM parent p LEFT JOIN (counted) c ON (keys)" */
static void
append_parents_with_count(StringInfo sql, SeatAttachment *attachment)
{
	appendStringInfo(sql, " FROM ONLY %s p LEFT JOIN (", seat_qualified_name(attachment->parent));
	append_counted(sql, attachment);
	appendStringInfoString(sql, ") c ON (");
	append_key_join(sql, attachment, "c");
	appendStringInfoString(sql, ")");
}

char *
seat_broken_sql(SeatAttachment *attachment)
{
	const char *limit = quote_identifier(attachment->limit);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.string_agg(row, '; ') FROM (SELECT pg_catalog.format('(");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfoString(&sql, i ? ", %s" : "%s");
	appendStringInfoString(&sql, ") takes %s of %s seats'");
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, ", p.%s", quote_identifier(attachment->parent_keys[i]));
	appendStringInfo(&sql, ", c.units, p.%s) AS row", limit);
	append_parents_with_count(&sql, attachment);
	appendStringInfo(&sql, " WHERE c.units OPERATOR(pg_catalog.>) p.%s ORDER BY 1 LIMIT 10) broken"
					 " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0", limit);
	return sql.data;
}

char *
seat_difference_sql(SeatAttachment *attachment)
{
	const char *used = quote_identifier(attachment->used);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %u::oid::regclass, %u::oid::regclass, pg_catalog.jsonb_build_object(",
					 attachment->child, attachment->parent);
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, "%s%s, p.%s", i ? ", " : "",
						 quote_literal_cstr(attachment->parent_keys[i]),
						 quote_identifier(attachment->parent_keys[i]));
	appendStringInfo(&sql, "), COALESCE(c.units, 0)::bigint, p.%s::bigint, %s%s::bigint", used,
					 attachment->limit ? "p." : "",
					 attachment->limit ? quote_identifier(attachment->limit) : "NULL");
	append_parents_with_count(&sql, attachment);
	appendStringInfo(&sql, " WHERE p.%s IS DISTINCT FROM COALESCE(c.units, 0)", used);
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
	for (int i = 0; i < attachment->nkeys; i++)
		appendStringInfo(&sql, "p.%s AS k%d, ", quote_identifier(attachment->parent_keys[i]), i);
	appendStringInfoString(&sql, "COALESCE(c.units, 0) AS units");
	append_parents_with_count(&sql, attachment);
	appendStringInfoString(&sql, ") d WHERE ");
	append_key_join(&sql, attachment, "d");
	appendStringInfo(&sql, " AND p.%s IS DISTINCT FROM d.units", used);
	return sql.data;
}
