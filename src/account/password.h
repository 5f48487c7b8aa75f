/*
 * password.h
 *		Passwords, hashed by pgcrypto.
 */
#ifndef LICENSE_PASSWORD_H
#define LICENSE_PASSWORD_H

#include "core/extension.h"

/*
 * Does the password match the hash?  False if one of them is NULL, which takes
 * as long as any other answer.  Call it inside an operation.  Errors: 55000
 * without pgcrypto.
 */
extern bool password_matches(const char *password, const char *hash);

#endif							/* LICENSE_PASSWORD_H */
