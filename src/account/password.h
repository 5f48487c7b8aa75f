/*
 * password.h
 *		Passwords as pgcrypto hashes them.
 */
#ifndef LICENSE_PASSWORD_H
#define LICENSE_PASSWORD_H

#include "core/extension.h"

/*
 * Does the password match the hash?  NULL on either side never does, and takes
 * as long.  Call it inside an operation.  Errors: 55000 without pgcrypto.
 */
extern bool password_matches(const char *password, const char *hash);

#endif							/* LICENSE_PASSWORD_H */
