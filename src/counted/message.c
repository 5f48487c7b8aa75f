/*
 * message.c
 *		Parts of the error messages about seats.
 */
#include "counted/message.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* A value is cut after so many characters. */
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

/* Calls the output functions of the types, never a cast, which may be a function of some user. */
char *
message_key(TupleDesc desc, int nkeys, const AttrNumber *columns, const NullableDatum *keys)
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

int
message_constraint(Oid constraint)
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
