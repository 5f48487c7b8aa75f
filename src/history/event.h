/*
 * event.h
 *		Writes to the history what its UPDATE and DELETE triggers do not see.
 */
#ifndef LICENSE_EVENT_H
#define LICENSE_EVENT_H

#include "core/extension.h"

/*
 * Writes one event with the moment and the actor of the running operation; call
 * it between operation_begin() and operation_end().  old and new are JSON
 * objects or NULL.
 */
extern void event_write(int64 account_id, const char *subject, int64 subject_id,
						const char *action, const char *old, const char *new);

#endif							/* LICENSE_EVENT_H */
