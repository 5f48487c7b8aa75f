/*
 * seat_attachment.h
 *		One counted foreign key by its names, as DDL and reports need it.
 */
#ifndef LICENSE_SEAT_ATTACHMENT_H
#define LICENSE_SEAT_ATTACHMENT_H

#include "counted/seat_limit.h"
#include "counted/seat_trigger.h"

#include "nodes/pg_list.h"

typedef struct SeatAttachment
{
	char	   *constraint;
	Oid			trigger;		/* by which it was found; 0: it is being attached */
	Oid			child;
	Oid			parent;
	int			nkeys;
	AttrNumber	child_attnums[INDEX_MAX_KEYS];
	AttrNumber	parent_attnums[INDEX_MAX_KEYS];
	char	   *child_keys[INDEX_MAX_KEYS];
	char	   *parent_keys[INDEX_MAX_KEYS];
	char	   *used;
	char	   *limit;			/* NULL: count only */
	char	   *weight;			/* NULL: one seat a row */
} SeatAttachment;

/* Any oid may be called a regclass; 42P01 when it is no table */
extern Relation seat_open_child(Oid child, LOCKMODE lock);

/* 25001 in a transaction that keeps its snapshot: a count must see every committed row. */
extern void seat_require_fresh_snapshots(const char *function);

/* From a foreign key that can be counted; 42704, 0A000 */
extern SeatAttachment *seat_attachment_of_constraint(Relation child, const char *name);

/* From one of the child's seat triggers */
extern SeatAttachment *seat_attachment_of_trigger(Relation child, Trigger *trigger);

/*
 * To be detached, NULL when the foreign key is not counted.  It may be broken:
 * one that is gone is found by the name it had when it was attached, and then
 * has no parent.
 */
extern SeatAttachment *seat_attachment_find(Relation child, const char *constraint);

/*
 * All of a child, as their triggers say it, also those that are broken.  Their
 * parent is 0 when it cannot be told.
 */
extern List *seat_attachments(Relation child);

/* The tables of the database that have any.  SPI must be connected. */
extern List *seat_limited_tables(void);

/*
 * Locks both tables and says how it is attached now.  Errors: 42703, 42704,
 * 55000 when it is broken or was detached meanwhile.
 */
extern SeatAttachment *seat_attachment_lock(Oid child, Oid trigger, LOCKMODE child_lock,
											LOCKMODE parent_lock);

/* Does every row written count?  The error that the next one would raise, or 55000 when a trigger is off */
extern void seat_attachment_require_counting(SeatAttachment *attachment);

/*
 * seat_sql.c: statements over one counted foreign key.  All but the first are
 * over a relation "counted" as well, which has the rows of the first.
 */

/* k0, k1, ... and units: what the children of each parent take */
extern char *seat_counted_sql(SeatAttachment *attachment);

/* Ten parents whose limit their children break: their keys, units, limit, and how many there are */
extern char *seat_broken_sql(SeatAttachment *attachment);

/* Parents whose count is wrong: their keys, units, used, limit */
extern char *seat_difference_sql(SeatAttachment *attachment);

/* Puts wrong counts right */
extern char *seat_recount_sql(SeatAttachment *attachment);

/* seat_recount.c: runs them, each table as its owner */

typedef void (*SeatRowReader) (SeatAttachment *attachment, HeapTuple row, TupleDesc desc, void *result);

/* Shows the rows of a statement that only reads, all in one snapshot, to the reader. */
extern void seat_read_parents(SeatAttachment *attachment, const char *sql, SeatRowReader reader,
							  void *result);

/* Puts wrong counts right, and answers how many; both tables are locked. */
extern uint64 seat_recount(SeatAttachment *attachment, SeatSecurity security);

/* "(a, b)=(1, 2)" of a row that begins with the parent's keys */
extern char *seat_row_key_text(SeatAttachment *attachment, HeapTuple row, TupleDesc desc);

#endif							/* LICENSE_SEAT_ATTACHMENT_H */
