/*
 * quote.h
 *		Qualified names of tables and operators, for the text of statements.
 */
#ifndef LICENSE_COUNTED_QUOTE_H
#define LICENSE_COUNTED_QUOTE_H

#include "core/extension.h"

/* schema.table, each part quoted where it must be */
extern char *quote_table(Oid relation);

/* OPERATOR(schema.=) of a type; raises 42883 when the type has no equality operator. */
extern char *quote_equal_operator(Oid type);

#endif							/* LICENSE_COUNTED_QUOTE_H */
