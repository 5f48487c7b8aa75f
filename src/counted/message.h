/*
 * message.h
 *		Parts of the error messages about seats.
 */
#ifndef LICENSE_COUNTED_MESSAGE_H
#define LICENSE_COUNTED_MESSAGE_H

#include "core/extension.h"

#include "access/tupdesc.h"

/* "(a, b)=(1, 2)": each value as its type writes it, cut at 80 characters */
extern char *message_key(TupleDesc desc, int nkeys, const AttrNumber *columns,
						 const NullableDatum *keys);

/* For ereport(): sets the error fields schema, table and constraint, unless the constraint is gone. */
extern int	message_constraint(Oid constraint);

#endif							/* LICENSE_COUNTED_MESSAGE_H */
