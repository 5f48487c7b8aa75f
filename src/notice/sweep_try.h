/*
 * sweep_try.h
 *		Runs a piece of work that may fail or meet a lock without ending the sweep.
 */
#ifndef LICENSE_SWEEP_TRY_H
#define LICENSE_SWEEP_TRY_H

#include "core/extension.h"

/* Why a piece of work failed */
typedef struct SweepFailure
{
	char		sqlstate[6];
	char	   *message;		/* cut to 200 characters */
	bool		locked;			/* another transaction held a lock that it needed */
} SweepFailure;

typedef void (*SweepWork) (void *argument);

/*
 * Runs work in a subtransaction with a short lock_timeout.  Returns false if it
 * failed: then all of it is rolled back and failure says why.  Serialization
 * failures, cancellations and shutdowns are raised.
 */
extern bool sweep_try(SweepWork work, void *argument, SweepFailure *failure);

#endif							/* LICENSE_SWEEP_TRY_H */
