/*
 * seat_attachment.h
 *		One counted foreign key by its names, as DDL and reports need it.
 */
#ifndef LICENSE_SEAT_ATTACHMENT_H
#define LICENSE_SEAT_ATTACHMENT_H

#include "seat_limit.h"
#include "seat_trigger.h"

#include "nodes/pg_list.h"

typedef struct SeatAttachment
{
	char	   *constraint;
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

/* All of a child, or of the database; 42704 when that child has none */
extern List *seat_attachments(Oid child);

/* Runs one of the statements below as the owner of the parent. */
extern void seat_attachment_run(SeatAttachment *attachment, const char *sql);

/* seat_sql.c: statements over one counted foreign key */

/* Parents whose limit their children break, as one text; no row when there is none */
extern char *seat_broken_sql(SeatAttachment *attachment);

/* Parents whose count is wrong, as check_seats() answers them */
extern char *seat_difference_sql(SeatAttachment *attachment);

/* Puts wrong counts right */
extern char *seat_recount_sql(SeatAttachment *attachment);

#endif							/* LICENSE_SEAT_ATTACHMENT_H */
