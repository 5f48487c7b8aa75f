/*
 * seat_limit.h
 *		The counted foreign key: children take seats of the parent row their
 *		foreign key points at, never more than the parent's limit.
 *
 * seat_limit.c	  attach, detach, check, recount: the SQL side
 * seat_def.c	  what a trigger's arguments mean, resolved by the catalog
 * seat_cache.c	  keeps what was resolved while it is true or in use
 * seat_count.c	  the triggers of the child: what each row takes
 * seat_pending.c what a statement changed so far, summed by parent
 * seat_parent.c  checks the limit of a parent row and writes the new count
 * seat_parent_sql.c  the same for parents whose own triggers must see it
 * seat_error.c	  what is said when a limit is exceeded
 * seat_owner.c	  runs what belongs to a table as the table's owner
 * seat_guard.c	  the triggers of the parent
 * seat_foreign_key.c  the foreign key that is counted
 * seat_trigger.c	  makes, finds and drops the triggers
 */
#ifndef LICENSE_SEAT_LIMIT_H
#define LICENSE_SEAT_LIMIT_H

#include "core/extension.h"

#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "core/kept.h"
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
	Kept		kept;			/* its CHECKs are those of the parent that read the used column */
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

/*
 * What that trigger counts, resolved now, in the current memory context.
 * Errors: 0A000, 42703, 42704, 42804, 55000 when it cannot be counted.
 */
extern SeatLimitDef *seat_limit_build(Relation child, Trigger *trigger);

/*
 * The same from the cache, which may free it at the next call unless it is
 * held.  Good for what it says about the child, which the statement has locked.
 */
extern SeatLimitDef *seat_limit_resolve(TriggerData *trigger);

/* Locks the parent for writing; what is answered is true while that lock is held, and held in context. */
extern SeatLimitDef *seat_limit_resolve_locked(TriggerData *trigger, MemoryContext context);


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

/* 55000 unless the parent guards the column that a trigger of the child with these arguments counts in; 42501 as below */
extern void seat_require_guard(Relation child, Relation parent, char **args);

/* 42501 unless the owner of the child may write the count: owns the parent, or has UPDATE on it or on the used column */
extern void seat_require_writer(Relation child, Relation parent, const char *used);

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

/* Adds to what the running statement takes of one parent: units, by rows of at most largest */
extern void seat_pending_add(SeatLimitDef *def, const Datum *keys, int64 units, int64 largest);

/* Writes what the statement that fired the trigger has taken; LX001, LX002, 23503 */
extern void seat_pending_write(TriggerData *trigger);

/* Changes sorted by key, and where they belong */
typedef struct SeatChanges
{
	SeatLimitDef *def;
	Relation	parent;
	SeatDelta **deltas;
	int			count;
} SeatChanges;

/* Applies each change to its parent row, which is locked for writing; LX001, LX002, 23503 */
extern void seat_parents_apply(SeatLimitDef *def, SeatDelta **deltas, int count);

/* The same for a parent whose own triggers must see the change; call it as the parent's owner. */
extern void seat_parents_apply_sql(SeatChanges *changes);

/* "(a, b)=(1, 2)": each value as its type writes it, cut at 80 characters */
extern char *seat_key_text(TupleDesc desc, int nkeys, const AttrNumber *columns,
						   const NullableDatum *keys);

/* Does what is asked for fit below the limit? */
extern bool seat_fits(const SeatDelta *delta, int64 used, bool unlimited, int64 limit);

/* Raises LX001 or LX002 unless it does. */
extern void seat_check_limit(Relation parent, SeatLimitDef *def, const SeatDelta *delta,
							 int64 used, bool unlimited, int64 limit);

/* 23503: seats are asked for of a parent that is gone. */
extern void seat_refuse_missing(Relation parent, SeatLimitDef *def, const SeatDelta *delta);

/* Names a constraint in the error fields schema, table and constraint. */
extern int	seat_error_fields(Oid constraint);

/*
 * Runs work that may run what belongs to the table (CHECKs, expressions,
 * triggers), as foreign keys do: as the table's owner.  SEAT_RESTRICTED, as
 * maintenance does: nothing of it, deferred triggers and settings included, can
 * outlast the call.  An error of the table's constraints does not show its rows.
 */
typedef enum SeatSecurity
{
	SEAT_AS_OWNER,
	SEAT_RESTRICTED
} SeatSecurity;

typedef void (*SeatWork) (void *argument);

extern void seat_run_as_owner(Relation rel, SeatSecurity security, SeatWork work, void *argument);

/* Runs a statement that writes a used column; the guard of that table lets it pass.  Call it as the owner. */
extern int	seat_execute(Oid parent, const char *sql, int nargs, Oid *types, Datum *values);

/* Is the guard that asks fired by such a statement? */
extern bool seat_maintaining(Oid parent);

/* OPERATOR(schema.=) of a type */
extern char *seat_equal_operator(Oid type);

/* "schema"."table" */
extern char *seat_qualified_name(Oid relation);

#endif							/* LICENSE_SEAT_LIMIT_H */
