/*
 * trigger.h
 *		Checks the arguments of trigger functions, and reads their rows.
 */
#ifndef LICENSE_TRIGGER_H
#define LICENSE_TRIGGER_H

#include "core/extension.h"

#include "commands/trigger.h"

#define ON_INSERT	(1 << 0)
#define ON_UPDATE	(1 << 1)
#define ON_DELETE	(1 << 2)
#define ON_TRUNCATE (1 << 3)

/*
 * Raises 39P01 unless the trigger manager called the function, with the timing
 * and level (TRIGGER_EVENT_BEFORE, TRIGGER_EVENT_AFTER, TRIGGER_EVENT_ROW,
 * or'ed), one of the events (ON_*) and that many arguments (-1: any).
 */
extern TriggerData *check_trigger(FunctionCallInfo fcinfo, const char *name,
								  TriggerEvent timing, int events, int nargs);

/* Also raises 39P01 unless it fired on this table of schema license. */
extern TriggerData *check_own_trigger(FunctionCallInfo fcinfo, const char *name,
									  TriggerEvent timing, int events, int nargs,
									  const char *table);

/* A column of a row that a row trigger looks at; raises 42703 when there is none of that name. */
extern Datum trigger_column(TriggerData *trigger, HeapTuple row,
							const char *column, bool *isnull);

/* The same as a parameter of RUN() takes it */
extern NullableDatum trigger_value(TriggerData *trigger, HeapTuple row, const char *column);

/* A text column of a row; NULL when it is NULL */
extern char *trigger_text(TriggerData *trigger, HeapTuple row, const char *column);

/* A copy of the row with some columns changed */
extern HeapTuple trigger_change(TriggerData *trigger, HeapTuple row, int columns,
								const char *const *names, Datum *values, bool *nulls);

/* Does the column differ between the old and the new row of an UPDATE? */
extern bool trigger_changes(TriggerData *trigger, const char *column);

/* Does the UPDATE statement set the column? Needs no look at the rows. */
extern bool trigger_names_column(TriggerData *trigger, const char *column);

#endif							/* LICENSE_TRIGGER_H */
