/*
 * seat_error.c
 *		What is said when a seat limit is exceeded.
 */
#include "counted/seat_limit.h"

#include "access/htup_details.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* No message repeats more of a value. */
#define SHOWN_CHARACTERS 80

static void
append_value(StringInfo text, const char *value)
{
	int			length = strlen(value);
	int			shown = pg_mbcharcliplen(value, length, SHOWN_CHARACTERS);

	appendBinaryStringInfo(text, value, shown);
	if (shown < length)
		appendStringInfoString(text, "...");
}

/* Only an output function of the type sees the value: one that is a cast belongs to a user. */
char *
seat_key_text(TupleDesc desc, int nkeys, const AttrNumber *columns, const NullableDatum *keys)
{
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, columns[i] - 1);
		Oid			output;
		bool		varlena;

		getTypeOutputInfo(att->atttypid, &output, &varlena);
		appendStringInfo(&names, "%s%s", i ? ", " : "", NameStr(att->attname));
		appendStringInfoString(&values, i ? ", " : "");
		append_value(&values, keys[i].isnull ? "null" : OidOutputFunctionCall(output, keys[i].value));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}

/* The key columns of the child are named, as foreign keys do. */
static char *
key_of(SeatLimitDef *def, const SeatDelta *delta)
{
	AttrNumber	columns[INDEX_MAX_KEYS];
	NullableDatum keys[INDEX_MAX_KEYS];
	Relation	child = RelationIdGetRelation(def->child);
	char	   *text;

	for (int i = 0; i < def->nkeys; i++)
	{
		columns[i] = def->keys[i].child_attnum;
		keys[i].value = delta->keys[i];
		keys[i].isnull = false;
	}
	text = seat_key_text(RelationGetDescr(child), def->nkeys, columns, keys);
	RelationClose(child);
	return text;
}

int
seat_error_fields(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	char	   *table;

	if (!HeapTupleIsValid(tuple))
		return 0;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	table = get_rel_name(form->conrelid);
	if (table != NULL)
	{
		err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(get_rel_namespace(form->conrelid)));
		err_generic_string(PG_DIAG_TABLE_NAME, table);
		err_generic_string(PG_DIAG_CONSTRAINT_NAME, NameStr(form->conname));
	}
	ReleaseSysCache(tuple);
	return 0;
}

static char *
column_name(Relation rel, AttrNumber attnum)
{
	return NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname);
}

static void
refuse_oversized(Relation parent, SeatLimitDef *def, const SeatDelta *delta, int64 limit)
{
	ereport(ERROR,
			errcode(ERRCODE_REQUEST_EXCEEDS_TOTAL),
			errmsg("one row of \"%s\" asks for more seats than a row of \"%s\" can ever hold",
				   get_rel_name(def->child), RelationGetRelationName(parent)),
			errdetail("Key %s: one row asks for " INT64_FORMAT " seats, the limit is " INT64_FORMAT ".",
					  key_of(def, delta), delta->largest, limit),
			errhint("Ask for fewer seats, or raise \"%s\" of \"%s\".",
					column_name(parent, def->limit.attnum), RelationGetRelationName(parent)),
			seat_error_fields(def->constraint));
}

static void
refuse_exceeding(Relation parent, SeatLimitDef *def, const SeatDelta *delta,
				 int64 used, int64 limit)
{
	ereport(ERROR,
			errcode(ERRCODE_SEAT_LIMIT_EXCEEDED),
			errmsg("seat limit of \"%s\" exceeded", RelationGetRelationName(parent)),
			errdetail("Key %s: " INT64_FORMAT " of " INT64_FORMAT " seats are taken; "
					  INT64_FORMAT " more asked for.", key_of(def, delta), used, limit, delta->units),
			errhint("Release a seat, or raise \"%s\" of \"%s\".",
					column_name(parent, def->limit.attnum), RelationGetRelationName(parent)),
			seat_error_fields(def->constraint));
}

void
seat_refuse_missing(Relation parent, SeatLimitDef *def, const SeatDelta *delta)
{
	ereport(ERROR,
			errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			errmsg("a row of \"%s\" cannot take a seat of a row of \"%s\" that is gone",
				   get_rel_name(def->child), RelationGetRelationName(parent)),
			errdetail("Key %s is not present in table \"%s\".",
					  key_of(def, delta), RelationGetRelationName(parent)),
			seat_error_fields(def->constraint));
}

bool
seat_fits(const SeatDelta *delta, int64 used, bool unlimited, int64 limit)
{
	return delta->units <= 0 || unlimited ||
		(delta->largest <= limit && delta->units <= limit - used);
}

/* Where the limit is 0, nothing is to be had and no row asks for too much. */
void
seat_check_limit(Relation parent, SeatLimitDef *def, const SeatDelta *delta,
				 int64 used, bool unlimited, int64 limit)
{
	if (seat_fits(delta, used, unlimited, limit))
		return;
	if (limit > 0 && delta->largest > limit)
		refuse_oversized(parent, def, delta, limit);
	refuse_exceeding(parent, def, delta, used, limit);
}
