/*
 * owner.h
 *		Runs code that belongs to a table as the table's owner.
 */
#ifndef LICENSE_COUNTED_OWNER_H
#define LICENSE_COUNTED_OWNER_H

#include "core/extension.h"

#include "utils/rel.h"

typedef enum OwnerSecurity
{
	OWNER_UNRESTRICTED,			/* as foreign keys do */
	OWNER_RESTRICTED			/* as maintenance commands do: deferred triggers, settings and the like cannot outlast it */
} OwnerSecurity;

typedef void (*OwnerWork) (void *argument);

/*
 * Runs work, which may run CHECKs, expressions and triggers of the table, as
 * the table's owner.  An error raised by a constraint of the table does not
 * show its row.
 */
extern void owner_run(Relation rel, OwnerSecurity security, OwnerWork work, void *argument);

#endif							/* LICENSE_COUNTED_OWNER_H */
