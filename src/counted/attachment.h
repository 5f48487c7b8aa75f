/*
 * attachment.h
 *		One counted foreign key by the names of its tables and columns, as DDL
 *		and reports need it.
 */
#ifndef LICENSE_COUNTED_ATTACHMENT_H
#define LICENSE_COUNTED_ATTACHMENT_H

#include "core/extension.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

typedef struct SeatAttachment
{
	char	   *constraint;
	Oid			trigger;		/* the TRUNCATE trigger of the child; 0: it is being attached */
	Oid			child;
	Oid			parent;
	int			nkeys;
	AttrNumber	child_attnums[INDEX_MAX_KEYS];
	AttrNumber	parent_attnums[INDEX_MAX_KEYS];
	char	   *child_keys[INDEX_MAX_KEYS];
	char	   *parent_keys[INDEX_MAX_KEYS];
	char	   *used;
	char	   *limit;			/* NULL: seats are counted without a limit */
	char	   *weight;			/* NULL: each row takes one seat */
} SeatAttachment;

/* Opens a table that a caller named by an oid; raises 42P01 when there is none. */
extern Relation attachment_open_child(Oid child, LOCKMODE lock);

/*
 * A new attachment, whose column names the caller fills in.  Raises 42704 or
 * 0A000 when the constraint is no foreign key along which seats can be counted.
 */
extern SeatAttachment *attachment_of_constraint(Relation child, const char *name);

/*
 * The attachment of a foreign key that is to be detached; NULL when it has
 * none.  It may be broken: if the foreign key was dropped, name is the one that
 * it had when it was attached, and parent is 0.
 */
extern SeatAttachment *attachment_find(Relation child, const char *constraint);

/*
 * All attachments of a child, also broken ones, with what their triggers say.
 * The parent is 0 when it cannot be told.
 */
extern List *attachment_list(Relation child);

/* The tables of the database that have an attachment.  SPI must be connected. */
extern List *attachment_tables(void);

/*
 * Locks both tables and reads the attachment that the trigger belongs to.
 * Raises 42501, 42703, 42704 or 55000 when it is broken or was detached meanwhile.
 */
extern SeatAttachment *attachment_lock(Oid child, Oid trigger, LOCKMODE child_lock,
									   LOCKMODE parent_lock);

#endif							/* LICENSE_COUNTED_ATTACHMENT_H */
