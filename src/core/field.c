/*
 * field.c
 *		Reads the first row of the last RUN() by column name.
 */
#include "core/field.h"

#include "executor/spi.h"
#include "utils/builtins.h"

NullableDatum
field_value(const char *column)
{
	NullableDatum field;
	int			number;

	if (SPI_tuptable == NULL || SPI_tuptable->numvals == 0)
		elog(ERROR, "no row to read column \"%s\" of", column);
	number = SPI_fnumber(SPI_tuptable->tupdesc, column);
	if (number <= 0)
		elog(ERROR, "the row has no column \"%s\"", column);
	field.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, &field.isnull);
	return field;
}

static Datum
field_not_null(const char *column)
{
	NullableDatum field = field_value(column);

	if (field.isnull)
		elog(ERROR, "unexpected NULL in column \"%s\"", column);
	return field.value;
}

int64
field_int64(const char *column)
{
	return DatumGetInt64(field_not_null(column));
}

int32
field_int32(const char *column)
{
	return DatumGetInt32(field_not_null(column));
}

bool
field_bool(const char *column)
{
	return DatumGetBool(field_not_null(column));
}

TimestampTz
field_time(const char *column)
{
	return DatumGetTimestampTz(field_not_null(column));
}

char *
field_text(const char *column)
{
	NullableDatum field = field_value(column);

	return field.isnull ? NULL : TextDatumGetCString(field.value);
}

bool
field_is_null(const char *column)
{
	return field_value(column).isnull;
}
