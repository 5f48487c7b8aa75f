/*
 * event.h
 *		History entries for what no UPDATE or DELETE trigger sees.
 */
#ifndef LICENSE_EVENT_H
#define LICENSE_EVENT_H

#include "core/extension.h"

/*
 * Writes one entry with the running operation's moment and actor; call it
 * between operation_begin() and operation_end().  old and new are JSON objects
 * or NULL.
 */
extern void event_write(int64 account_id, const char *subject, int64 subject_id,
						const char *action, const char *old, const char *new);

#endif							/* LICENSE_EVENT_H */
