/*
 * seat_trigger.h
 *		The triggers of a counted foreign key: what their arguments are, and
 *		how they are made, found and dropped.
 */
#ifndef LICENSE_SEAT_TRIGGER_H
#define LICENSE_SEAT_TRIGGER_H

#include "core/extension.h"

#include "commands/trigger.h"
#include "utils/rel.h"

struct SeatAttachment;

/* Of the child's: used column, limit column, weight column ('' is none), then the child's key columns */
#define SEAT_ARG_USED	0
#define SEAT_ARG_LIMIT	1
#define SEAT_ARG_WEIGHT 2
#define SEAT_ARG_KEYS	3

/* Of the parent's: used column, limit column ('' is none), then the parent's key columns */
#define GUARD_ARG_USED	0
#define GUARD_ARG_LIMIT 1
#define GUARD_ARG_KEYS	2

/* Is it the one trigger that every counted foreign key of a child has? */
extern bool seat_trigger_counts(Trigger *trigger);

/* Was it named after that foreign key? */
extern bool seat_trigger_named_after(Trigger *trigger, const char *constraint);

/* The trigger that keeps others from writing the used column of a parent, NULL when there is none */
extern Trigger *seat_guard_find(Relation parent, const char *used);

/*
 * Does any foreign key still count in that column?  Its table, or itself, may
 * be gone and the guard left over.  constraint becomes one that does, 0 when
 * none is certain to.
 */
extern bool seat_guard_is_alive(Relation parent, const char *used, Oid *constraint);

/* 55000 when one of its triggers is missing or disabled, so that not all rows are counted */
extern void seat_triggers_require_enabled(struct SeatAttachment *attachment);

/* A guard that is left over is replaced. */
extern void seat_triggers_create(struct SeatAttachment *attachment, bool replace_guard);

/* By what they count, whatever they are called; none may have the tables open */
extern void seat_triggers_drop(struct SeatAttachment *attachment);

#endif							/* LICENSE_SEAT_TRIGGER_H */
