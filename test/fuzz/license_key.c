/*
 * license_key.c
 *		Any bytes as the text of a key, as its sixteen bytes, and as what a key is made of.
 */
#include "postgres.h"

#include "license/license_key_symbols.h"

#define SYMBOLS 25
#define TEXT_MAX (2 * SYMBOLS)

/* what to do with a symbol when a made key is written differently */
#define WRITE_LOWER 0x20
#define WRITE_HYPHEN 0x40
#define WRITE_ALIAS 0x80

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void
require(bool holds, const char *property)
{
	if (holds)
		return;
	fputs(property, stderr);
	fputc('\n', stderr);
	abort();
}

static bool
same_key(const LicenseKey *left, const LicenseKey *right)
{
	return memcmp(left->bytes, right->bytes, LICENSE_KEY_SIZE) == 0;
}

static bool
is_read_as(const char *text, size_t len, const LicenseKey *expected)
{
	LicenseKey	key;
	const char *problem;

	return license_key_parse(text, len, &key, &problem) && problem == NULL && same_key(&key, expected);
}

static bool
is_refused(const char *text, size_t len)
{
	LicenseKey	key;
	const char *problem = NULL;

	return !license_key_parse(text, len, &key, &problem) && problem != NULL && problem[0] != '\0';
}

/* The letters and digits of a text as the documentation says they are read; false where there are not 25. */
static bool
canonical_symbols(const char *text, size_t len, char symbols[SYMBOLS + 1])
{
	int			count = 0;

	for (size_t i = 0; i < len; i++)
	{
		char		c = text[i];

		if (c == '-')
			continue;
		if (c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		c = c == 'I' || c == 'L' ? '1' : c == 'O' ? '0' : c;
		if (count == SYMBOLS || c == '\0' || strchr(alphabet, c) == NULL)
			return false;
		symbols[count++] = c;
	}
	symbols[count] = '\0';
	return count == SYMBOLS;
}

static void
try_text(const char *text, size_t len)
{
	LicenseKey	key;
	const char *problem;
	char		symbols[SYMBOLS + 1];
	char		printed_symbols[SYMBOLS + 1];
	char		printed[LICENSE_KEY_TEXT_SIZE];

	if (!license_key_parse(text, len, &key, &problem))
	{
		require(is_refused(text, len), "a refusal says why");
		return;
	}
	require(license_key_check(&key, &problem), "a key that was read is a key");
	license_key_format(&key, printed);
	require(strlen(printed) == LICENSE_KEY_TEXT_SIZE - 1, "a key prints as 29 characters");
	require(is_read_as(printed, strlen(printed), &key), "a key that was printed reads as the same");
	require(canonical_symbols(text, len, symbols), "a key has 25 symbols");
	require(canonical_symbols(printed, strlen(printed), printed_symbols) &&
			strcmp(symbols, printed_symbols) == 0, "a key prints the symbols that were read");
}

static void
try_bytes(const uint8 *data)
{
	LicenseKey	key;
	const char *problem;
	char		printed[LICENSE_KEY_TEXT_SIZE];

	memcpy(key.bytes, data, LICENSE_KEY_SIZE);
	license_key_format(&key, printed);
	require(strlen(printed) == LICENSE_KEY_TEXT_SIZE - 1, "any bytes print as 29 characters");
	if (license_key_check(&key, &problem))
		require(is_read_as(printed, strlen(printed), &key), "bytes that are a key read as the same");
	else
		require(problem != NULL, "a refusal of bytes says why");
}

static char
written(char symbol, uint8 how)
{
	if ((how & WRITE_ALIAS) && symbol == '0')
		symbol = 'O';
	else if ((how & WRITE_ALIAS) && symbol == '1')
		symbol = how & 1 ? 'I' : 'L';
	if ((how & WRITE_LOWER) && symbol >= 'A')
		symbol += 'a' - 'A';
	return symbol;
}

/* The same key in other cases, with hyphens elsewhere, and I, L and O for 1 and 0. */
static void
try_written_differently(const LicenseKey *key, const char *symbols, const uint8 *how)
{
	char		text[TEXT_MAX];
	size_t		len = 0;

	for (int i = 0; i < SYMBOLS; i++)
	{
		text[len++] = written(symbols[i], how[i]);
		if (how[i] & WRITE_HYPHEN)
			text[len++] = '-';
	}
	require(is_read_as(text, len, key), "case, hyphens, I, L and O do not matter");
}

/* One symbol too few, one wrong, two swapped, two wrong. */
static void
try_mistakes(const char *symbols, const uint8 *where)
{
	char		text[SYMBOLS + 1];
	int			place = where[0] % SYMBOLS;
	int			other = where[1] % SYMBOLS;

	memcpy(text, symbols, sizeof(text));
	require(is_refused(text, SYMBOLS - 1), "a short key is refused");
	text[place] = symbols[other];
	text[other] = symbols[place];
	if (symbols[place] != symbols[other])
		require(is_refused(text, SYMBOLS), "two swapped symbols are refused");
	memcpy(text, symbols, sizeof(text));
	text[place] = alphabet[where[2] & 31];
	if (text[place] != symbols[place])
		require(is_refused(text, SYMBOLS), "a wrong symbol is refused");
	text[other] = alphabet[where[3] & 31];
	if (memcmp(text, symbols, SYMBOLS) != 0)
		require(is_refused(text, SYMBOLS), "two wrong symbols are refused");
}

static void
try_made(const uint8 *data)
{
	LicenseKey	key;
	const char *problem;
	char		printed[LICENSE_KEY_TEXT_SIZE];
	char		symbols[SYMBOLS + 1];

	license_key_make(data, &key);
	require(license_key_check(&key, &problem), "a key that was made is a key");
	license_key_format(&key, printed);
	require(is_read_as(printed, strlen(printed), &key), "a key that was made reads as the same");
	require(canonical_symbols(printed, strlen(printed), symbols), "a key that was made has 25 symbols");
	try_written_differently(&key, symbols, data);
	try_mistakes(symbols, data + SYMBOLS);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	try_text((const char *) data, size);
	if (size >= LICENSE_KEY_SIZE)
		try_bytes(data);
	if (size >= SYMBOLS + 4)
		try_made(data);
	return 0;
}
