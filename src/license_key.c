/*
 * license_key.c
 *		The key type: text and binary form, comparison, hashing, generation.
 *
 * A key is 25 symbols of five bits, written in Crockford's base 32.  The last
 * two are check symbols of a Reed-Solomon code over GF(32): the key, read as a
 * polynomial, leaves a fixed remainder modulo (x + 1)(x + 2).  Words that leave
 * the same remainder differ in at least three symbols, so one wrong symbol, two
 * wrong symbols and two swapped symbols anywhere are found with certainty.
 */
#include "license_ext.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "license_key.h"
#include "port/pg_bswap.h"
#include "utils/sortsupport.h"

PG_FUNCTION_INFO_V1(license_key_in);
PG_FUNCTION_INFO_V1(license_key_out);
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

#define SYMBOLS 25
#define DATA_SYMBOLS 23
#define GROUP_SYMBOLS 5

/* the symbols above and below the one that lies across the two words */
#define WORD_SYMBOLS 12

/* not 0, so that a key of one repeated symbol, such as 00000-..., is never valid */
#define CHECK_REMAINDER 0x198

#define HY 0x40					/* hyphen */
#define NO 0x80					/* no symbol */

static const char symbol_characters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static const uint8 character_symbols[128] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, HY, NO, NO,
	 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, NO, NO, NO, NO, NO, NO,
	NO, 10, 11, 12, 13, 14, 15, 16, 17,  1, 18, 19,  1, 20, 21,  0,
	22, 23, 24, 25, 26, NO, 27, 28, 29, 30, 31, NO, NO, NO, NO, NO,
	NO, 10, 11, 12, 13, 14, 15, 16, 17,  1, 18, 19,  1, 20, 21,  0,
	22, 23, 24, 25, 26, NO, 27, 28, 29, 30, 31, NO, NO, NO, NO, NO,
};

static const char wrong_length[] = "A licence key has 25 symbols.";
static const char wrong_symbol[] = "A licence key consists of digits, letters other than U, and hyphens.";
static const char wrong_check[] = "The check symbols do not match: a symbol is wrong or two are swapped.";
static const char wrong_padding[] = "The last three bits of a licence key are zero.";

/* The remainder of the polynomial so far, two symbols in ten bits, with one more symbol. */
static inline uint32
check_step(uint32 remainder, uint32 symbol)
{
	uint32		factor = (remainder >> 5) ^ symbol;
	uint32		twice = (factor << 1) ^ ((factor >> 4) * 0x25);

	return ((remainder & 31) << 5) ^ ((twice ^ factor) << 5) ^ twice;
}

/* Both check symbols that belong to the data symbols, the first one in the higher bits. */
static inline uint32
check_symbols(const uint8 *symbols)
{
	uint32		remainder = 0;

	for (int i = 0; i < DATA_SYMBOLS; i++)
		remainder = check_step(remainder, symbols[i]);
	return remainder ^ CHECK_REMAINDER;
}

static inline bool
check_matches(const uint8 *symbols)
{
	return check_symbols(symbols) ==
		((uint32) symbols[DATA_SYMBOLS] << 5 | symbols[DATA_SYMBOLS + 1]);
}

static inline void
pack_symbols(const uint8 *symbols, LicenseKey *key)
{
	uint64		high = 0;
	uint64		low = 0;
	uint64		middle = symbols[WORD_SYMBOLS];

	for (int i = 0; i < WORD_SYMBOLS; i++)
	{
		high = high << 5 | symbols[i];
		low = low << 5 | symbols[WORD_SYMBOLS + 1 + i];
	}
	high = pg_hton64(high << 4 | middle >> 1);
	low = pg_hton64(middle << 63 | low << 3);
	memcpy(key->bytes, &high, sizeof(high));
	memcpy(key->bytes + sizeof(high), &low, sizeof(low));
}

static inline void
unpack_symbols(const LicenseKey *key, uint8 *symbols)
{
	uint64		high;
	uint64		low;

	memcpy(&high, key->bytes, sizeof(high));
	memcpy(&low, key->bytes + sizeof(high), sizeof(low));
	high = pg_ntoh64(high);
	low = pg_ntoh64(low);
	symbols[WORD_SYMBOLS] = (high << 1 | low >> 63) & 31;
	for (int i = 0; i < WORD_SYMBOLS; i++)
	{
		symbols[i] = (high >> (59 - 5 * i)) & 31;
		symbols[WORD_SYMBOLS + 1 + i] = (low >> (58 - 5 * i)) & 31;
	}
}

/* Fills symbols, which has room for exactly SYMBOLS; returns what is wrong, or NULL. */
static inline const char *
read_symbols(const char *text, size_t len, uint8 *symbols)
{
	int			count = 0;

	for (size_t i = 0; i < len; i++)
	{
		uint8		character = (uint8) text[i];
		uint8		symbol = character < lengthof(character_symbols) ? character_symbols[character] : NO;

		if (symbol == HY)
			continue;
		if (symbol == NO)
			return wrong_symbol;
		if (count == SYMBOLS)
			return wrong_length;
		symbols[count++] = symbol;
	}
	return count == SYMBOLS ? NULL : wrong_length;
}

bool
license_key_parse(const char *text, size_t len, LicenseKey *key, const char **problem)
{
	uint8		symbols[SYMBOLS];

	*problem = read_symbols(text, len, symbols);
	if (*problem == NULL && !check_matches(symbols))
		*problem = wrong_check;
	if (*problem != NULL)
		return false;
	pack_symbols(symbols, key);
	return true;
}

void
license_key_format(const LicenseKey *key, char text[LICENSE_KEY_TEXT_SIZE])
{
	uint8		symbols[SYMBOLS];
	char	   *end = text;

	unpack_symbols(key, symbols);
	for (int i = 0; i < SYMBOLS; i += GROUP_SYMBOLS)
	{
		for (int j = 0; j < GROUP_SYMBOLS; j++)
			*end++ = symbol_characters[symbols[i + j]];
		*end++ = '-';
	}
	end[-1] = '\0';
}

/*
 * license.license_key_in(cstring) → license_key
 *		Errors: LX004 when the text is malformed or mistyped.  O11, M34.
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
 * license.license_key_recv(internal) → license_key
 *		Sixteen bytes as license_key_send() makes them.
 *		Errors: LX004 when they are no key, because a client may send anything.
 */
Datum
license_key_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	LicenseKey *key = palloc(sizeof(LicenseKey));
	uint8		symbols[SYMBOLS];
	bool		padded;

	pq_copymsgbytes(message, (char *) key->bytes, LICENSE_KEY_SIZE);
	padded = (key->bytes[LICENSE_KEY_SIZE - 1] & 7) == 0;
	unpack_symbols(key, symbols);
	if (!padded || !check_matches(symbols))
		ereport(ERROR,
				errcode(ERRCODE_MALFORMED_KEY),
				errmsg("malformed licence key"),
				errdetail("%s", padded ? wrong_check : wrong_padding));
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
 *		Errors: XX000 when that source fails.  O11, M34.
 */
Datum
license_generate_key(PG_FUNCTION_ARGS)
{
	LicenseKey *key = palloc(sizeof(LicenseKey));
	uint8		symbols[SYMBOLS];
	uint32		check;

	if (!pg_strong_random(symbols, DATA_SYMBOLS))
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not generate random values"));
	for (int i = 0; i < DATA_SYMBOLS; i++)
		symbols[i] &= 31;
	check = check_symbols(symbols);
	symbols[DATA_SYMBOLS] = check >> 5;
	symbols[DATA_SYMBOLS + 1] = check & 31;
	pack_symbols(symbols, key);
	PG_RETURN_LICENSE_KEY_P(key);
}

/*
 * license.is_valid_key(text) → boolean
 *		Whether the text is a key: never raises, false for NULL.  O11, M34.
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
