/*
 * license_key_symbols.c
 *		The symbols of a key: its text, its check symbols, its sixteen bytes.
 *
 * A key is 25 symbols of five bits, written in Crockford's base 32.  The last
 * two are check symbols of a Reed-Solomon code over GF(32): the key, read as a
 * polynomial, leaves a fixed remainder modulo (x + 1)(x + 2).  Words that leave
 * the same remainder differ in at least three symbols, so one wrong symbol, two
 * wrong symbols and two swapped symbols anywhere are found with certainty.
 *
 * Nothing here calls the server: test/fuzz/license_key.c runs it without one.
 */
#include "postgres.h"

#include "license/license_key_symbols.h"
#include "port/pg_bswap.h"

#define SYMBOLS 25
#define DATA_SYMBOLS LICENSE_KEY_RANDOM_SIZE
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

bool
license_key_check(const LicenseKey *key, const char **problem)
{
	uint8		symbols[SYMBOLS];

	unpack_symbols(key, symbols);
	*problem = NULL;
	if ((key->bytes[LICENSE_KEY_SIZE - 1] & 7) != 0)
		*problem = wrong_padding;
	else if (!check_matches(symbols))
		*problem = wrong_check;
	return *problem == NULL;
}

void
license_key_make(const uint8 random[LICENSE_KEY_RANDOM_SIZE], LicenseKey *key)
{
	uint8		symbols[SYMBOLS];
	uint32		check;

	for (int i = 0; i < DATA_SYMBOLS; i++)
		symbols[i] = random[i] & 31;
	check = check_symbols(symbols);
	symbols[DATA_SYMBOLS] = check >> 5;
	symbols[DATA_SYMBOLS + 1] = check & 31;
	pack_symbols(symbols, key);
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
