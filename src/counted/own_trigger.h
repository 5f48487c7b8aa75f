/*
 * own_trigger.h
 *		The triggers of a counted foreign key: their functions, names and
 *		arguments, and how they are recognized.
 *
 * Child: <foreign key>_seat_row, <foreign key>_seat_count and
 * <foreign key>_seat_trunc.  Parent: <used column>_guard and
 * <used column>_recreate.  trigger_ddl.c says in which order they fire.
 */
#ifndef LICENSE_COUNTED_OWN_TRIGGER_H
#define LICENSE_COUNTED_OWN_TRIGGER_H

#include "core/extension.h"

#include "commands/trigger.h"
#include "utils/rel.h"

/* Arguments of the child's triggers: used, limit and weight column ('' is none), then the child's key columns */
#define CHILD_ARG_USED	0
#define CHILD_ARG_LIMIT	1
#define CHILD_ARG_WEIGHT 2
#define CHILD_ARG_KEYS	3

/* Arguments of the parent's triggers: used and limit column ('' is none), then the parent's key columns */
#define GUARD_ARG_USED	0
#define GUARD_ARG_LIMIT 1
#define GUARD_ARG_KEYS	2

typedef struct ChildTrigger
{
	const char *suffix;			/* of its name */
	const char *event;
	const char *scope;
	const char *function;
} ChildTrigger;

#define CHILD_TRIGGERS 3

extern const ChildTrigger own_trigger_child[CHILD_TRIGGERS];

/* A trigger function of schema license without arguments; 42883 when it does not exist */
extern Oid	own_trigger_function(const char *name);

/* The name of a trigger: stem is the foreign key (child) or the used column (parent). */
extern char *own_trigger_name(const char *stem, const char *suffix);

/* Is it the TRUNCATE trigger?  Each counted foreign key of a child has exactly one, so lists go by it. */
extern bool own_trigger_is_marker(Trigger *trigger);

/* Does the name of a trigger of the child say that it was created for that foreign key? */
extern bool own_trigger_is_named_after(Trigger *trigger, const char *constraint);

/* A copy of the trigger with that oid; raises 42704 when the child no longer has it. */
extern Trigger *own_trigger_require(Relation child, Oid trigger);

/* A copy of the trigger that guards a used column of the parent; NULL when there is none */
extern Trigger *own_trigger_find_guard(Relation parent, const char *used);

#endif							/* LICENSE_COUNTED_OWN_TRIGGER_H */
