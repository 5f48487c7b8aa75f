/*
 * sweep_work.h
 *		The kinds of work that the sweep does.
 */
#ifndef LICENSE_SWEEP_WORK_H
#define LICENSE_SWEEP_WORK_H

#include "core/extension.h"

#include "nodes/pg_list.h"
#include "core/statement.h"

typedef struct SweepPass
{
	TimestampTz at;				/* what is due then */
	TimestampTz started;		/* what was passed by since is not tried again */
	int32		batch;
	int32		done;			/* rows of all kinds */
	int32		passed_by;
	int32		finalized;
	int32		notices;
	int32		skipped;
	int32		seats_reclaimed;
	List	   *locked_accounts;	/* where a lock was waited for in vain, as int64 */
} SweepPass;

/* The keys of the rows to work on */
typedef struct SweepRows
{
	int			count;
	Datum	   *accounts;
	Datum	   *ids;
} SweepRows;

/* One kind of work */
typedef struct SweepKind
{
	const char *subject;		/* in license.sweep_state */
	Statement  *pick;
	Statement  *note_locked;
	Statement  *forget;
	void		(*work) (SweepPass *pass, const SweepRows *rows);
} SweepKind;

#define SWEEP_KINDS 3

extern const SweepKind sweep_kinds[SWEEP_KINDS];

#endif							/* LICENSE_SWEEP_WORK_H */
