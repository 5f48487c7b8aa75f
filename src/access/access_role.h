/*
 * access_role.h
 *		license.granted_role, the type that names a role in license.access.
 */
#ifndef LICENSE_ACCESS_ROLE_H
#define LICENSE_ACCESS_ROLE_H

#include "core/extension.h"

/* A role as license.access stores it */
typedef struct GrantedRole
{
	Oid			id;				/* InvalidOid: no role of that name was known when the row was loaded */
	NameData	name;			/* when the row was written */
} GrantedRole;

typedef enum GrantState
{
	GRANT_ACTIVE,
	GRANT_ROLE_GONE,			/* dropped: the grant is nobody's, whatever is created under that name */
	GRANT_ROLE_UNKNOWN			/* not created yet in the server the row was restored into */
} GrantState;

extern GrantState granted_role_state(const GrantedRole *role);

#endif							/* LICENSE_ACCESS_ROLE_H */
