/*
 * license_key.h
 *		The key type in the server.
 */
#ifndef LICENSE_KEY_H
#define LICENSE_KEY_H

#include "license/license_key_symbols.h"

/* Raises LX004 when the text is no key. */
extern void license_key_require(const char *text, LicenseKey *key);

#endif							/* LICENSE_KEY_H */
