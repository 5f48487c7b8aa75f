/*
 * owner.c
 *		Runs code that belongs to a table as the table's owner.
 *
 * The owner of a counted table wrote its CHECKs, expressions and triggers.
 * PostgreSQL's foreign keys run such code as the owner, whichever role writes;
 * so does this extension.
 */
#include "counted/owner.h"

#include "miscadmin.h"
#include "utils/guc.h"

/*
 * Raises the error again.  PostgreSQL puts the row into the DETAIL of a
 * constraint's error if the current role may read it.  The current role is the
 * owner, but the role that gets the error may lack that privilege, so the DETAIL
 * goes to the server's log only.
 */
static void
rethrow_without_row(Relation rel, MemoryContext context)
{
	ErrorData  *error;

	if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (error->table_name != NULL && strcmp(error->table_name, RelationGetRelationName(rel)) == 0)
	{
		if (error->detail_log == NULL)
			error->detail_log = error->detail;
		error->detail = NULL;
	}
	ReThrowError(error);
}

static void
run(Relation rel, OwnerWork work, void *argument)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		work(argument);
	}
	PG_CATCH();
	{
		rethrow_without_row(rel, context);
	}
	PG_END_TRY();
}

/* After an error, the abort of the transaction or subtransaction restores role and settings. */
void
owner_run(Relation rel, OwnerSecurity security, OwnerWork work, void *argument)
{
	Oid			caller;
	int			context;
	int			settings = 0;
	int			flags = SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS;

	if (security == OWNER_RESTRICTED)
		flags |= SECURITY_RESTRICTED_OPERATION;
	GetUserIdAndSecContext(&caller, &context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, context | flags);
	if (security == OWNER_RESTRICTED)
		settings = NewGUCNestLevel();
	run(rel, work, argument);
	if (security == OWNER_RESTRICTED)
		AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(caller, context);
}
