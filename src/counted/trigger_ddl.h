/*
 * trigger_ddl.h
 *		Creates, drops and checks the triggers of a counted foreign key.
 */
#ifndef LICENSE_COUNTED_TRIGGER_DDL_H
#define LICENSE_COUNTED_TRIGGER_DDL_H

#include "counted/attachment.h"

/* Creates them all.  replace_guard: triggers that outlived another foreign key are replaced. */
extern void trigger_ddl_create(SeatAttachment *attachment, bool replace_guard);

/*
 * Drops them, whatever they are called; the parent's only when no other
 * foreign key counts in the used column.  The caller must have closed both tables.
 */
extern void trigger_ddl_drop(SeatAttachment *attachment);

/* Raises 55000 when one of them is missing or disabled, so that not all rows are counted. */
extern void trigger_ddl_require_enabled(SeatAttachment *attachment);

#endif							/* LICENSE_COUNTED_TRIGGER_DDL_H */
