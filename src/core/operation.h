/*
 * operation.h
 *		The frame around every SQL-callable operation.
 *
 * Between operation_begin() and operation_end() SPI is connected, names
 * resolve in pg_catalog only, and SQL runs as the owner of the function, so
 * callers need EXECUTE on operations and nothing on tables.  An error in
 * between needs no cleanup: the abort of the (sub)transaction undoes it all.
 *
 * operation_begin() raises 42501 when the caller's level does not allow the
 * function in the account it names, and 22023 when what changes something is
 * asked to do it at an infinite moment.
 */
#ifndef LICENSE_OPERATION_H
#define LICENSE_OPERATION_H

#include "core/extension.h"

/* The operations of operation.def as OP_<symbol>; OP_NONE is a plain statement of the user. */
typedef enum OperationId
{
	OP_NONE,
#define OPERATION(symbol, name) OP_##symbol,
#include "core/operation.def"
#undef OPERATION
} OperationId;

/* A frame: what operation_end() restores */
typedef struct Operation
{
	Oid			caller;
	Oid			owner;
	int			caller_context;
	int			path_level;
} Operation;

/*
 * Raises 42501 unless the caller may call the function, at that moment.  A hook,
 * because levels are defined above this file.
 */
typedef void (*OperationCheck) (FunctionCallInfo fcinfo, Oid caller, TimestampTz at);

extern void operation_init(OperationCheck check);

/* The history records the name of the operation and the moment for rows changed inside. */
extern void operation_begin(Operation *op, FunctionCallInfo fcinfo, OperationId id, TimestampTz at);
extern void operation_end(Operation *op);

/* For a trigger function: keeps the operation and the moment that fired it, and checks nothing. */
extern void operation_begin_trigger(Operation *op, FunctionCallInfo fcinfo);

/* The same for a function that looks at the rights of its caller itself, or needs none */
extern void operation_begin_unchecked(Operation *op, FunctionCallInfo fcinfo);

/* A copy of a text or jsonb value that outlives operation_end(), for the function to return. */
extern Datum operation_keep_varlena(Datum value);

/*
 * Between these, names resolve by the search_path of the caller and not in
 * pg_catalog only: for code of others that the operation runs.  Statements in
 * between must qualify every name, operators included.
 */
extern void operation_lend_path(Operation *op);
extern void operation_take_path(Operation *op);

/* Is it the innermost operation? */
extern bool operation_is(OperationId id);

/* The name of the innermost operation; NULL outside of every operation: the user ran a plain statement. */
extern const char *operation_name(void);

extern const char *operation_name_of(OperationId id);

/* The innermost operation's moment, the transaction's start outside of one */
extern TimestampTz operation_at(void);

/* license_ext.actor, else the role the session acts as */
extern char *operation_actor(void);

#endif							/* LICENSE_OPERATION_H */
