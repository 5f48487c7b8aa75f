/*
 * maintenance.h
 *		Statements that may write a used column: the guard of the parent lets
 *		them pass.
 */
#ifndef LICENSE_COUNTED_MAINTENANCE_H
#define LICENSE_COUNTED_MAINTENANCE_H

#include "core/extension.h"

/* Runs a statement that may write the used columns of parent.  Call it as the owner, with SPI connected. */
extern int	maintenance_execute(Oid parent, const char *sql, int nargs, Oid *types, Datum *values);

/* Was the guard trigger that asks fired by such a statement, and not by one that another trigger runs? */
extern bool maintenance_is_running(Oid parent);

#endif							/* LICENSE_COUNTED_MAINTENANCE_H */
