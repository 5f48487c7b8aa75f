/*
 * sweep_work.h
 *		The kinds of work that the sweep does.
 */
#ifndef LICENSE_SWEEP_WORK_H
#define LICENSE_SWEEP_WORK_H

#include "core/extension.h"

#include "core/statement.h"
#include "nodes/pg_list.h"

typedef struct SweepPass
{
	TimestampTz at;				/* work that is due at this moment is done */
	TimestampTz started;		/* rows passed by after this moment are not tried again */
	int32		batch;
	int32		done;			/* rows of all kinds */
	int32		passed_by;
	int32		finalized;
	int32		notices;
	int32		skipped;
	int32		seats_reclaimed;
	List	   *locked_accounts;	/* pointers to int64: accounts where waiting for a lock timed out */
} SweepPass;

/* The keys of the rows to work on */
typedef struct SweepRows
{
	int			count;
	Datum	   *accounts;
	Datum	   *ids;
} SweepRows;

/*
 * One kind of work.  Parameters of the statements, as far as they take them:
 * $1 is pass.at, $2 the greatest number of rows, $3 pass.started, $4 now.
 */
typedef struct SweepKind
{
	const char *subject;		/* in license.sweep_state */
	Statement  *pick;			/* locks due rows and returns two arrays, account_ids and ids; NULL for no row */
	Statement  *note_locked;	/* notes due rows, all of which are locked, in license.sweep_state */
	Statement  *forget;			/* deletes notes about rows that are no longer due */
	void		(*work) (SweepPass *pass, const SweepRows *rows);
} SweepKind;

#define SWEEP_KINDS 3

extern const SweepKind sweep_kinds[SWEEP_KINDS];

#endif							/* LICENSE_SWEEP_WORK_H */
