/*
 * permission.h
 *		What a user of an account may do.
 */
#ifndef LICENSE_PERMISSION_H
#define LICENSE_PERMISSION_H

#include "core/extension.h"

/* Words of license.account_user.permissions that the extension itself asks for */
#define ACT_AS_ADMIN	"act_as_admin"
#define BUY_LICENSES	"buy_licenses"
#define CREATE_USERS	"create_users"
#define MOVE_LICENSES	"move_licenses"
#define SET_PERMISSIONS "set_permissions"

/*
 * Raises LX041 when license_ext.actor names a user of the account, by e-mail,
 * who is neither its admin nor has the permission.  Anybody else is answered
 * for by the access levels.  Call it inside an operation.
 */
extern void permission_require(int64 account_id, const char *permission);

#endif							/* LICENSE_PERMISSION_H */
