/*
 * license_key.c
 *		The key type: input and output, comparison, hashing, generation.
 */
#include "core/extension.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "license/license_key.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

PG_FUNCTION_INFO_V1(license_key_in);
PG_FUNCTION_INFO_V1(license_key_out);
PG_FUNCTION_INFO_V1(license_key_text);
PG_FUNCTION_INFO_V1(license_key_recv);
PG_FUNCTION_INFO_V1(license_key_send);
PG_FUNCTION_INFO_V1(license_key_eq);
PG_FUNCTION_INFO_V1(license_key_ne);
PG_FUNCTION_INFO_V1(license_key_lt);
PG_FUNCTION_INFO_V1(license_key_le);
PG_FUNCTION_INFO_V1(license_key_gt);
PG_FUNCTION_INFO_V1(license_key_ge);
PG_FUNCTION_INFO_V1(license_key_cmp);
PG_FUNCTION_INFO_V1(license_key_sortsupport);
PG_FUNCTION_INFO_V1(license_key_hash);
PG_FUNCTION_INFO_V1(license_key_hash_extended);
PG_FUNCTION_INFO_V1(license_generate_key);
PG_FUNCTION_INFO_V1(license_is_valid_key);

/*
 * license.license_key_in(cstring) → license_key
 *		Errors: LX004 when the text is malformed or mistyped.
 */
Datum
license_key_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	LicenseKey *key = palloc(sizeof(LicenseKey));
	const char *problem;

	if (!license_key_parse(text, strlen(text), key, &problem))
		ereturn(fcinfo->context, (Datum) 0,
				errcode(ERRCODE_MALFORMED_KEY),
				errmsg("malformed licence key"),
				errdetail("%s", problem));
	PG_RETURN_LICENSE_KEY_P(key);
}

void
license_key_require(const char *text, LicenseKey *key)
{
	const char *problem;

	if (!license_key_parse(text, strlen(text), key, &problem))
		ereport(ERROR,
				errcode(ERRCODE_MALFORMED_KEY),
				errmsg("malformed licence key"),
				errdetail("%s", problem));
}

/*
 * license.license_key_out(license_key) → cstring
 *		Five groups of five symbols.
 */
Datum
license_key_out(PG_FUNCTION_ARGS)
{
	char	   *text = palloc(LICENSE_KEY_TEXT_SIZE);

	license_key_format(PG_GETARG_LICENSE_KEY_P(0), text);
	PG_RETURN_CSTRING(text);
}

/*
 * license.license_key_text(license_key) → text
 *		The same as text, for the cast.
 */
Datum
license_key_text(PG_FUNCTION_ARGS)
{
	char		text[LICENSE_KEY_TEXT_SIZE];

	license_key_format(PG_GETARG_LICENSE_KEY_P(0), text);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text, LICENSE_KEY_TEXT_SIZE - 1));
}

/*
 * license.license_key_recv(internal) → license_key
 *		Sixteen bytes as license_key_send() makes them.
 *		Errors: 22P03 when they are no key, because a client may send anything.
 */
Datum
license_key_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	LicenseKey *key = palloc(sizeof(LicenseKey));
	const char *problem;

	pq_copymsgbytes(message, (char *) key->bytes, LICENSE_KEY_SIZE);
	if (!license_key_check(key, &problem))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("malformed licence key in binary form"),
				errdetail("%s", problem));
	PG_RETURN_LICENSE_KEY_P(key);
}

/*
 * license.license_key_send(license_key) → bytea
 *		Sixteen bytes: 125 bits, first symbol highest, and three zero bits.
 */
Datum
license_key_send(PG_FUNCTION_ARGS)
{
	LicenseKey *key = PG_GETARG_LICENSE_KEY_P(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbytes(&message, (char *) key->bytes, LICENSE_KEY_SIZE);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

static inline int
compare_keys(Datum left, Datum right)
{
	return memcmp(DatumGetLicenseKeyP(left)->bytes, DatumGetLicenseKeyP(right)->bytes, LICENSE_KEY_SIZE);
}

#define COMPARE_ARGUMENTS() compare_keys(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1))

/* license.license_key_eq(license_key, license_key) → boolean, operator = */
Datum
license_key_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGUMENTS() == 0);
}

/* license.license_key_ne(license_key, license_key) → boolean, operator <> */
Datum
license_key_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGUMENTS() != 0);
}

/* license.license_key_lt(license_key, license_key) → boolean, operator < */
Datum
license_key_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGUMENTS() < 0);
}

/* license.license_key_le(license_key, license_key) → boolean, operator <= */
Datum
license_key_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGUMENTS() <= 0);
}

/* license.license_key_gt(license_key, license_key) → boolean, operator > */
Datum
license_key_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGUMENTS() > 0);
}

/* license.license_key_ge(license_key, license_key) → boolean, operator >= */
Datum
license_key_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(COMPARE_ARGUMENTS() >= 0);
}

/* license.license_key_cmp(license_key, license_key) → integer, below, at or above 0 */
Datum
license_key_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(COMPARE_ARGUMENTS());
}

static int
compare_full(Datum left, Datum right, SortSupport ssup)
{
	return compare_keys(left, right);
}

/* The first bytes of a key as an integer that orders as they do. */
static Datum
abbreviate_key(Datum original, SortSupport ssup)
{
	Datum		prefix;

	memcpy(&prefix, DatumGetLicenseKeyP(original)->bytes, sizeof(prefix));
	return DatumBigEndianToNative(prefix);
}

/* Keys are random from the first bit on, so their prefixes always tell them apart. */
static bool
keep_abbreviating(int count, SortSupport ssup)
{
	return false;
}

/* license.license_key_sortsupport(internal): sorts without calling license_key_cmp() */
Datum
license_key_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_full;
	if (ssup->abbreviate)
	{
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate_key;
		ssup->abbrev_abort = keep_abbreviating;
		ssup->abbrev_full_comparator = compare_full;
	}
	PG_RETURN_VOID();
}

/* license.license_key_hash(license_key) → integer */
Datum
license_key_hash(PG_FUNCTION_ARGS)
{
	return hash_any(PG_GETARG_LICENSE_KEY_P(0)->bytes, LICENSE_KEY_SIZE);
}

/* license.license_key_hash_extended(license_key, seed bigint) → bigint */
Datum
license_key_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended(PG_GETARG_LICENSE_KEY_P(0)->bytes, LICENSE_KEY_SIZE, PG_GETARG_INT64(1));
}

/*
 * license.generate_key() → license_key
 *		A new key of 115 bits from the server's strong random source.
 *		Errors: XX000 when that source fails.
 */
Datum
license_generate_key(PG_FUNCTION_ARGS)
{
	LicenseKey *key = palloc(sizeof(LicenseKey));
	uint8		random[LICENSE_KEY_RANDOM_SIZE];

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not generate random values"));
	license_key_make(random, key);
	PG_RETURN_LICENSE_KEY_P(key);
}

/*
 * license.is_valid_key(text) → boolean
 *		Is the text a key?  False for NULL.  Raises nothing.
 */
Datum
license_is_valid_key(PG_FUNCTION_ARGS)
{
	LicenseKey	key;
	const char *problem;
	text	   *candidate;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	candidate = PG_GETARG_TEXT_PP(0);
	PG_RETURN_BOOL(license_key_parse(VARDATA_ANY(candidate), VARSIZE_ANY_EXHDR(candidate), &key, &problem));
}
