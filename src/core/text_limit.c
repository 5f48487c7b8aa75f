/*
 * text_limit.c
 *		Limits of the texts that people type, and copies of them for messages.
 *
 * A regular expression would cost more and depend on a collation, and no
 * character class of PostgreSQL has the characters without width.
 */
#include "core/text_limit.h"

#include "access/detoast.h"
#include "core/function.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(license_is_plain_text);
PG_FUNCTION_INFO_V1(license_is_prose);
PG_FUNCTION_INFO_V1(license_are_plain_texts);
PG_FUNCTION_INFO_V1(license_is_small_jsonb);

#define MAX_IN_MESSAGE 80

typedef struct CodeRange
{
	pg_wchar	first;
	pg_wchar	last;
} CodeRange;

/* Control characters, those without width, and those that turn the direction of text, ascending */
static const CodeRange hidden[] = {
	{0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x061C, 0x061C},
	{0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x200B, 0x200F}, {0x2028, 0x202E},
	{0x2060, 0x206F}, {0x3164, 0x3164}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB},
	{0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}
};

/* Characters that show nothing but have width, ascending */
static const CodeRange spaces[] = {
	{0x0009, 0x000D}, {0x0020, 0x0020}, {0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200A},
	{0x202F, 0x202F}, {0x205F, 0x205F}, {0x2800, 0x2800}, {0x3000, 0x3000}
};

static bool
is_in(pg_wchar c, const CodeRange *ranges, int count)
{
	for (int i = 0; i < count && c >= ranges[i].first; i++)
	{
		if (c <= ranges[i].last)
			return true;
	}
	return false;
}

static bool
is_line_space(pg_wchar c)
{
	return c == '\n' || c == '\r' || c == '\t';
}

/* A text that is cut within its last character ends there. */
static int
character_length(const char *p, const char *end)
{
	return Min(pg_mblen(p), (int) (end - p));
}

/* The character at p.  In encodings other than UTF-8, every character outside of ASCII counts as a letter. */
static pg_wchar
character_at(const char *p, const char *end)
{
	if (!IS_HIGHBIT_SET(*p))
		return (unsigned char) *p;
	if (end - p < pg_mblen(p))
		return 'x';
	return GetDatabaseEncoding() == PG_UTF8 ? utf8_to_unicode((const unsigned char *) p) : 'x';
}

bool
is_plain_text(const char *text, int length, int most, bool lines)
{
	const char *end = text + length;
	bool		blank = true;
	int			count = 0;

	if (length / MAX_MULTIBYTE_CHAR_LEN > most)
		return false;
	for (const char *p = text; p < end; p += character_length(p, end))
	{
		pg_wchar	c = character_at(p, end);

		if (++count > most ||
			(is_in(c, hidden, lengthof(hidden)) && !(lines && is_line_space(c))))
			return false;
		blank = blank && is_in(c, spaces, lengthof(spaces));
	}
	return !blank;
}

bool
is_blank(const char *text)
{
	const char *end = text + strlen(text);

	for (const char *p = text; p < end; p += character_length(p, end))
	{
		if (!is_in(character_at(p, end), spaces, lengthof(spaces)))
			return false;
	}
	return true;
}

/* Is the value larger than that many characters can be?  Does not detoast it. */
static bool
is_huge(Datum value, int most)
{
	return toast_raw_datum_size(value) - VARHDRSZ > (Size) most * MAX_MULTIBYTE_CHAR_LEN;
}

static bool
value_is_plain(Datum value, int most, bool lines)
{
	text	   *plain;

	if (is_huge(value, most))
		return false;
	plain = DatumGetTextPP(value);
	return is_plain_text(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain), most, lines);
}

/*
 * license._is_plain_text(value text, most int) → boolean
 *		Whether a text is a name people can read: not blank, at most that many
 *		characters, none of them a control or invisible one.  Raises nothing.
 */
Datum
license_is_plain_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(value_is_plain(PG_GETARG_DATUM(0), PG_GETARG_INT32(1), false));
}

/*
 * license._is_prose(value text, most int) → boolean
 *		The same for what may have several lines, such as a reason.  Raises
 *		nothing.
 */
Datum
license_is_prose(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(value_is_plain(PG_GETARG_DATUM(0), PG_GETARG_INT32(1), true));
}

/*
 * license._are_plain_texts(value text[], most int, length int) → boolean
 *		Whether a list has at most that many texts, each a plain text of at most
 *		that many characters, none of them NULL.  Raises nothing.
 */
Datum
license_are_plain_texts(PG_FUNCTION_ARGS)
{
	int32		most = PG_GETARG_INT32(1);
	int32		length = PG_GETARG_INT32(2);
	ArrayType  *array;
	Datum	   *texts;
	bool	   *nulls;
	int			count;

	/* Each text has a header and is aligned. */
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) >
		1024 + (Size) most * (length * MAX_MULTIBYTE_CHAR_LEN + 8))
		PG_RETURN_BOOL(false);
	array = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i] || !value_is_plain(texts[i], length, false))
			PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(count <= most);
}

/*
 * license._is_small_jsonb(value jsonb, most int) → boolean
 *		Whether a value takes at most that many bytes, uncompressed.  Raises
 *		nothing.
 */
Datum
license_is_small_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(toast_raw_datum_size(PG_GETARG_DATUM(0)) <= PG_GETARG_INT32(1));
}

bool
argument_is_longer(FunctionCallInfo fcinfo, int n, int most)
{
	text	   *value;

	if (PG_ARGISNULL(n))
		return false;
	if (is_huge(PG_GETARG_DATUM(n), most))
		return true;
	value = PG_GETARG_TEXT_PP(n);
	return pg_mbstrlen_with_len(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) > most;
}

char *
plain_copy(const char *text, int most)
{
	int			length = strlen(text);
	int			kept = pg_mbcharcliplen(text, Min(length, most * MAX_MULTIBYTE_CHAR_LEN), most);
	const char *end;
	StringInfoData copy;

	if (kept < length && most > 3)
		kept = pg_mbcharcliplen(text, kept, most - 3);
	end = text + kept;
	initStringInfo(&copy);
	for (const char *p = text; p < end; p += character_length(p, end))
	{
		if (is_in(character_at(p, end), hidden, lengthof(hidden)))
			appendStringInfoChar(&copy, '?');
		else
			appendBinaryStringInfo(&copy, p, character_length(p, end));
	}
	if (kept < length)
		appendStringInfoString(&copy, "...");
	return copy.data;
}

char *
cut_for_message(const char *text)
{
	return text == NULL ? NULL : plain_copy(text, MAX_IN_MESSAGE);
}

char *
reason_argument(FunctionCallInfo fcinfo, int n)
{
	require_argument(fcinfo, n, "reason");
	if (argument_is_longer(fcinfo, n, MAX_REASON))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("reason must not be longer than %d characters", MAX_REASON));
	if (!value_is_plain(PG_GETARG_DATUM(n), MAX_REASON, true))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("reason must not be empty"),
				errdetail("It must have a visible character, and no control or invisible one."));
	return text_argument(fcinfo, n);
}
