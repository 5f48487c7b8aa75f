/*
 * permit.c
 *		May the rows of a child be counted in a column of the parent?
 */
#include "counted/permit.h"

#include "counted/column.h"
#include "counted/own_trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

void
permit_require_writer(Relation child, Relation parent, const char *used)
{
	Oid			owner = child->rd_rel->relowner;
	AttrNumber	column = column_require(RelationGetRelid(parent), used);

	if (has_privs_of_role(owner, parent->rd_rel->relowner) ||
		pg_class_aclcheck(RelationGetRelid(parent), owner, ACL_UPDATE) == ACLCHECK_OK ||
		pg_attribute_aclcheck(RelationGetRelid(parent), column, owner, ACL_UPDATE) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("seats of \"%s\" cannot be counted in \"%s\"",
				   RelationGetRelationName(child), RelationGetRelationName(parent)),
			errdetail("Role \"%s\", which owns \"%s\", may not update column \"%s\" of \"%s\".",
					  GetUserNameFromId(owner, false), RelationGetRelationName(child),
					  used, RelationGetRelationName(parent)),
			errhint("The owner of \"%s\" can grant UPDATE on the column.", RelationGetRelationName(parent)));
}

/*
 * The owner of a child can point its foreign key at any table that the role may
 * refer to.  Without these checks, counts would be written into tables that the
 * role may not write.
 */
void
permit_require(Relation child, Relation parent, char **child_args)
{
	Trigger    *guard = own_trigger_find_guard(parent, child_args[CHILD_ARG_USED]);

	if (guard == NULL || strcmp(guard->tgargs[GUARD_ARG_LIMIT], child_args[CHILD_ARG_LIMIT]) != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("column \"%s\" of \"%s\" is not guarded as one that counts seats",
					   child_args[CHILD_ARG_USED], RelationGetRelationName(parent)),
				errhint("Call license.detach_seat_limit() and license.attach_seat_limit() again."));
	permit_require_writer(child, parent, child_args[CHILD_ARG_USED]);
}
