/*
 * license_key_symbols.h
 *		The key type: 115 random bits and two check symbols in 16 bytes, and its text.
 *		Nothing here calls the server.
 */
#ifndef LICENSE_KEY_SYMBOLS_H
#define LICENSE_KEY_SYMBOLS_H

#include "fmgr.h"

#define LICENSE_KEY_SIZE 16

/* 25 symbols, four hyphens, and the NUL */
#define LICENSE_KEY_TEXT_SIZE 30

/* one byte for each symbol that is not a check symbol, of which five bits are used */
#define LICENSE_KEY_RANDOM_SIZE 23

/* 125 bits, first symbol highest, then three zero bits: bytes order as the text does */
typedef struct LicenseKey
{
	uint8		bytes[LICENSE_KEY_SIZE];
} LicenseKey;

#define LicenseKeyPGetDatum(key) PointerGetDatum(key)
#define DatumGetLicenseKeyP(datum) ((LicenseKey *) DatumGetPointer(datum))
#define PG_GETARG_LICENSE_KEY_P(n) DatumGetLicenseKeyP(PG_GETARG_DATUM(n))
#define PG_RETURN_LICENSE_KEY_P(key) return LicenseKeyPGetDatum(key)

/*
 * Reads len bytes of text; case and hyphens do not matter, I and L are 1, O is 0.
 * False when they are no key; *problem is then a sentence for an errdetail,
 * which never repeats the text.
 */
extern bool license_key_parse(const char *text, size_t len, LicenseKey *key, const char **problem);

/* Whether the bytes are a key; *problem as above. */
extern bool license_key_check(const LicenseKey *key, const char **problem);

/* The key with these bits and the check symbols that belong to them. */
extern void license_key_make(const uint8 random[LICENSE_KEY_RANDOM_SIZE], LicenseKey *key);

/* Writes the 29 characters of the canonical text and a NUL. */
extern void license_key_format(const LicenseKey *key, char text[LICENSE_KEY_TEXT_SIZE]);

#endif							/* LICENSE_KEY_SYMBOLS_H */
