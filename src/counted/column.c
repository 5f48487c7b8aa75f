/*
 * column.c
 *		The integer and boolean columns that seats are counted with.
 */
#include "counted/column.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

int64
column_int64(Datum value, Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return DatumGetBool(value) ? 1 : 0;
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

Datum
column_datum(int64 value, Oid type)
{
	if ((type == INT2OID && (value > PG_INT16_MAX || value < PG_INT16_MIN)) ||
		(type == INT4OID && (value > PG_INT32_MAX || value < PG_INT32_MIN)))
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("seat count " INT64_FORMAT " is out of range of its column", value));
	if (type == INT2OID)
		return Int16GetDatum((int16) value);
	return type == INT4OID ? Int32GetDatum((int32) value) : Int64GetDatum(value);
}

AttrNumber
column_require(Oid relation, const char *name)
{
	AttrNumber	attnum = get_attnum(relation, name);

	if (attnum <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("table \"%s\" has no column \"%s\" to count seats with",
					   get_rel_name(relation), name),
				errhint("After renaming a column, call license.detach_seat_limit() and license.attach_seat_limit() again."));
	return attnum;
}

static SeatColumn
require(Relation rel, const char *name)
{
	SeatColumn	column;

	column.attnum = column_require(RelationGetRelid(rel), name);
	column.type = get_atttype(RelationGetRelid(rel), column.attnum);
	return column;
}

SeatColumn
column_require_integer(Relation rel, const char *name)
{
	SeatColumn	column = require(rel, name);

	if (column.type != INT2OID && column.type != INT4OID && column.type != INT8OID)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" of table \"%s\" is not an integer",
					   name, RelationGetRelationName(rel)));
	if (TupleDescAttr(RelationGetDescr(rel), column.attnum - 1)->attgenerated)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("column \"%s\" of table \"%s\" is generated",
					   name, RelationGetRelationName(rel)));
	return column;
}

SeatColumn
column_require_weight(Relation rel, const char *name)
{
	SeatColumn	column = require(rel, name);

	if (column.type != BOOLOID && column.type != INT2OID &&
		column.type != INT4OID && column.type != INT8OID)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" of table \"%s\" is neither an integer nor a boolean",
					   name, RelationGetRelationName(rel)));
	/* PostgreSQL 18 has generated columns that are not stored: no trigger sees their values */
	if (TupleDescAttr(RelationGetDescr(rel), column.attnum - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("generated column \"%s\" of table \"%s\" is not stored",
					   name, RelationGetRelationName(rel)));
	return column;
}
