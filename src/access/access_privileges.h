/*
 * access_privileges.h
 *		Grants a role the privileges of a level, and revokes them.
 */
#ifndef LICENSE_ACCESS_PRIVILEGES_H
#define LICENSE_ACCESS_PRIVILEGES_H

#include "access/level.h"

/* role is a quoted name; SPI must be connected as the owner of the extension. */
extern void access_grant_level(const char *role, int level);
extern void access_revoke_level(const char *role, int level);
extern void access_revoke_everything(const char *role);

/* Revokes the privileges that no level may have, whoever granted them. */
extern void access_revoke_forbidden(const char *role);

#endif							/* LICENSE_ACCESS_PRIVILEGES_H */
