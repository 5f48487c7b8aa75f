/*
 * parent.c
 *		Applies the changes of a statement to the rows of the parent: directly
 *		where that is possible, else by UPDATE statements.
 */
#include "counted/parent.h"

#include "access/table.h"
#include "access/xact.h"
#include "counted/owner.h"
#include "counted/parent_heap.h"
#include "counted/parent_sql.h"

static void
apply(void *argument)
{
	SeatChanges *changes = argument;

	if (changes->def->plain_parent)
		parent_heap_apply(changes);
	else
		parent_sql_apply(changes);
}

void
parent_apply(SeatDefinition *def, SeatDelta **deltas, int count)
{
	SeatChanges changes = {.def = def, .deltas = deltas, .count = count};

	/* Makes parents that the statement itself has written visible. */
	CommandCounterIncrement();
	changes.parent = table_open(def->parent, NoLock);
	owner_run(changes.parent, OWNER_UNRESTRICTED, apply, &changes);
	table_close(changes.parent, NoLock);
	/* Makes the new counts visible to the next trigger. */
	CommandCounterIncrement();
}
