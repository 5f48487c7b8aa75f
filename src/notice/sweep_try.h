/*
 * sweep_try.h
 *		Work of the sweep that may fail or meet a lock without ending the sweep.
 */
#ifndef LICENSE_SWEEP_TRY_H
#define LICENSE_SWEEP_TRY_H

#include "core/extension.h"

/* Why a piece of work was given up */
typedef struct SweepFailure
{
	char		sqlstate[6];
	char	   *message;		/* cut to 200 characters */
	bool		locked;			/* another transaction held a lock that it needed */
} SweepFailure;

typedef void (*SweepWork) (void *argument);

/*
 * Does the work in a subtransaction and waits for no lock longer than a moment.
 * False: nothing of it was done, and failure says why.  A serialization failure,
 * and what an administrator ends, is raised as it is.
 */
extern bool sweep_try(SweepWork work, void *argument, SweepFailure *failure);

#endif							/* LICENSE_SWEEP_TRY_H */
