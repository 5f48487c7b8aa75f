/*
 * kept.c
 *		What a backend keeps for later calls.
 */
#include "core/kept.h"

#include "utils/memutils.h"

static void
free_if_unused(Kept *kept)
{
	if (!kept->cached && kept->holds == 0)
		MemoryContextDelete(kept->context);
}

void
kept_cache(Kept *kept)
{
	MemoryContextSetParent(kept->context, CacheMemoryContext);
	kept->cached = true;
}

void
kept_let_go(Kept *kept)
{
	kept->cached = false;
	free_if_unused(kept);
}

static void
release(void *arg)
{
	Kept	   *kept = arg;

	kept->holds--;
	free_if_unused(kept);
}

void
kept_hold(Kept *kept, MemoryContext context)
{
	MemoryContextCallback *callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = kept;
	MemoryContextRegisterResetCallback(context, callback);
	kept->holds++;
}

bool
kept_is_true(const Kept *kept)
{
	return kept->valid && (kept->checks == NULL || row_checks_are_valid(kept->checks));
}

const RowChecks *
kept_checks(Kept *kept, Relation rel, AttrNumber column)
{
	RowChecks  *planned;

	if (kept->checks != NULL)
		return kept->checks;
	planned = row_checks_plan(rel, column, kept->context);
	/* Planning runs functions, which may have planned the checks, too.  Keep those: they may be in use. */
	if (kept->checks == NULL)
		kept->checks = planned;
	return kept->checks;
}
