/*
 * sweep_try.c
 *		Runs a piece of work that may fail or meet a lock without ending the sweep.
 */
#include "notice/sweep_try.h"

#include "access/xact.h"
#include "core/text_limit.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* Shorter than any usual deadlock_timeout, so that the sweep gives up before a deadlock is detected. */
#define MAX_WAIT "10ms"
#define MAX_MESSAGE 200

static void
describe(SweepFailure *failure, const ErrorData *error)
{
	strlcpy(failure->sqlstate, unpack_sql_state(error->sqlerrcode), sizeof(failure->sqlstate));
	failure->message = plain_copy(error->message ? error->message : "", MAX_MESSAGE);
	failure->locked = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Must the error end the whole sweep, not only this piece of work? */
static bool
ends_sweep(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

bool
sweep_try(SweepWork work, void *argument, SweepFailure *failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int			nest_level = NewGUCNestLevel();

		(void) set_config_option("lock_timeout", MAX_WAIT, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
		work(argument);
		AtEOXact_GUC(false, nest_level);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (ends_sweep(error))
			ReThrowError(error);
		describe(failure, error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}
