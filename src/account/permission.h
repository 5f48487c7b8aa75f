/*
 * permission.h
 *		What a user of an account may do.
 */
#ifndef LICENSE_PERMISSION_H
#define LICENSE_PERMISSION_H

#include "core/extension.h"

/* Words of license.account_user.permissions that the extension itself checks */
#define ACT_AS_ADMIN	"act_as_admin"
#define BUY_LICENSES	"buy_licenses"
#define CREATE_USERS	"create_users"
#define MOVE_LICENSES	"move_licenses"
#define SET_PERMISSIONS "set_permissions"

/*
 * Raises LX041 if license_ext.actor is the e-mail of a user of the account who
 * is neither its admin nor has the permission.  Other actors are checked by
 * their access levels only.  Call it inside an operation.
 */
extern void permission_require(int64 account_id, const char *permission);

#endif							/* LICENSE_PERMISSION_H */
