/*
 * access_privileges.h
 *		The privileges of a level, granted to a role and taken away again.
 */
#ifndef LICENSE_ACCESS_PRIVILEGES_H
#define LICENSE_ACCESS_PRIVILEGES_H

#include "access/level.h"

/* role is a quoted name; SPI must be connected as the owner of the extension. */
extern void access_grant_level(const char *role, int level);
extern void access_revoke_level(const char *role, int level);
extern void access_revoke_everything(const char *role);

/* What no level may have, whoever granted it */
extern void access_revoke_forbidden(const char *role);

#endif							/* LICENSE_ACCESS_PRIVILEGES_H */
