/*
 * seat_limit.h
 *		The counted foreign key: children take seats of the parent row their
 *		foreign key points at, never more than the parent's limit.
 *
 * seat_limit.c	  attach, detach, check, recount: the SQL side
 * seat_def.c	  what a trigger's arguments mean, resolved and cached
 * seat_count.c	  the triggers: what a statement changed, summed by parent
 * seat_parent.c  checks the limit of a parent row and writes the new count
 * seat_guard.c	  the triggers on the parent, and parents written through SQL
 * seat_foreign_key.c  the foreign key that is counted
 * seat_trigger.c	  makes, finds and drops the triggers
 */
#ifndef LICENSE_SEAT_LIMIT_H
#define LICENSE_SEAT_LIMIT_H

#include "license_ext.h"

#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "row_write.h"
#include "utils/rel.h"

/* An integer or boolean column that the engine reads or writes */
typedef struct SeatColumn
{
	AttrNumber	attnum;			/* 0: there is none */
	Oid			type;
} SeatColumn;

/* How one pair of key columns is hashed, compared and copied */
typedef struct SeatKey
{
	AttrNumber	child_attnum;
	AttrNumber	parent_attnum;
	Oid			collation;
	bool		byval;
	int16		len;
	FmgrInfo	hash;
	FmgrInfo	compare;
	FmgrInfo	equal;
} SeatKey;

/* One counted foreign key, resolved from the arguments of its trigger */
typedef struct SeatLimitDef
{
	Oid			trigger;		/* hash key */
	bool		valid;
	MemoryContext context;		/* everything below lives here */
	Oid			child;
	Oid			parent;
	Oid			constraint;
	Oid			index;			/* the parent's unique index the foreign key uses */
	int			nkeys;			/* keys are in the order of the index */
	SeatKey		keys[INDEX_MAX_KEYS];
	bool		integer_keys;	/* all keys are plain integers */
	SeatColumn	weight;			/* of the child; none: one seat a row */
	SeatColumn	used;			/* of the parent */
	SeatColumn	limit;			/* of the parent; none: count only */
	AttrNumber	last_child_attnum;	/* how far child rows must be deformed */
	bool		plain_parent;	/* no trigger or generated column has to see the parent's update */
	RowChecks	checks;			/* that read the used column: only these can be broken by writing it */
} SeatLimitDef;

/* What one statement changed for one parent */
typedef struct SeatDelta
{
	uint32		hash;
	char		status;			/* of simplehash */
	Datum	   *keys;
	int64		units;			/* net change */
	int64		largest;		/* most units a single row asks for */
} SeatDelta;

extern SeatLimitDef *seat_limit_resolve(TriggerData *trigger);

/*
 * The foreign key of child that a trigger of it counts along; a copy.  NULL
 * when there is none or no telling which; the other raises 42704 or 55000, or
 * 42703 for a column that was renamed.
 */
extern ForeignKeyCacheInfo *seat_foreign_key(Relation child, Trigger *trigger);
extern ForeignKeyCacheInfo *seat_require_foreign_key(Relation child, Trigger *trigger);

/* The parent's unique index it uses; 0A000 for a foreign key along which seats cannot be counted */
extern Oid	seat_foreign_key_index(Oid constraint);

/* 0A000 unless all pairs of key columns have one type */
extern void seat_refuse_other_types(Oid child, Oid parent, int nkeys, const AttrNumber *child_attnums,
									const AttrNumber *parent_attnums);

/* 42703 when it was renamed */
extern AttrNumber seat_column_number(Oid relation, const char *name);

/* An integer column of rel; 42703, 42804 or 0A000 when it cannot serve */
extern SeatColumn seat_integer_column(Relation rel, const char *name);

/* An integer or boolean column of rel that can weigh rows */
extern SeatColumn seat_weight_column(Relation rel, const char *name);

extern int64 seat_integer(Datum value, Oid type);
extern Datum seat_integer_datum(int64 value, Oid type);

/*
 * Between these, an UPDATE that a row trigger runs is counted together with
 * the statement that fired the trigger: its rows may take what that gives back.
 * begin answers what end is to be given; end must be reached, also upon error.
 */
typedef struct SeatCarry
{
	int			depth;			/* of the triggers whose rows are carried; 0: of none */
	int			into;			/* the depth they are counted at */
} SeatCarry;

extern SeatCarry seat_carry_begin(void);
extern void seat_carry_end(SeatCarry outer);

/* Applies changes sorted by key, each to its parent row; LX001, LX002 */
extern void seat_parents_apply(SeatLimitDef *def, SeatDelta **deltas, int ndeltas);

/* The same for a parent whose own triggers must see the change */
extern void seat_parents_apply_sql(SeatLimitDef *def, SeatDelta **deltas, int ndeltas);

/* "(a, b)=(1, 2)" of a parent, for messages */
extern char *seat_key_text(Relation parent, SeatLimitDef *def, const Datum *keys);

/* Raises LX001 or LX002 if used + delta does not fit. */
extern void seat_check_limit(Relation parent, SeatLimitDef *def, const SeatDelta *delta,
							 int64 used, bool unlimited, int64 limit);

/* Runs SQL that writes a used column, as the owner of the parent; the guard lets it pass. */
extern void seat_execute_as_owner(Oid parent, const char *sql, int nargs, Oid *types, Datum *values);
extern bool seat_maintaining(void);

/* OPERATOR(schema.=) of a type */
extern char *seat_equal_operator(Oid type);

/* "schema"."table" */
extern char *seat_qualified_name(Oid relation);

#endif							/* LICENSE_SEAT_LIMIT_H */
