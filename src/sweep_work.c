/*
 * sweep_work.c
 *		The kinds of work that the sweep does, on rows that are locked.
 */
#include "sweep_work.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

static NullableDatum
arg_list(const Datum *values, int count)
{
	return arg_datum(PointerGetDatum(construct_array(unconstify(Datum *, values), count, INT8OID,
													 sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
					 false);
}

/* Accounts, licences and when to look at them next: three columns from `first` on */
static void
take_advance(int first, NullableDatum lists[3])
{
	for (int i = 0; i < 3; i++)
		lists[i].value = got_datum(first + i, &lists[i].isnull);
}

/* What changes nothing but the next look is a statement of its own: it leaves no history. */
static void
sweep_licenses(SweepPass *pass, const SweepRows *rows)
{
	NullableDatum ending[3];
	NullableDatum staying[3];

	RUN(sweep_raise_stages, arg_time(pass->at), arg_list(rows->accounts, rows->count),
		arg_list(rows->ids, rows->count));
	pass->notices += got_int32(1);
	pass->skipped += got_int32(2);
	take_advance(3, ending);
	take_advance(6, staying);
	if (!ending[0].isnull)
		pass->finalized += (int32) RUN(sweep_finalize, ending[0], ending[1], ending[2]);
	if (!staying[0].isnull)
		RUN(sweep_advance, staying[0], staying[1], staying[2]);
}

static void
raise_planned(SweepPass *pass, const SweepRows *rows)
{
	pass->notices += (int32) RUN(sweep_raise_notices, arg_time(pass->at),
								 arg_list(rows->accounts, rows->count), arg_list(rows->ids, rows->count));
}

static void
reclaim_seats(SweepPass *pass, const SweepRows *rows)
{
	pass->seats_reclaimed += (int32) RUN(sweep_reclaim_seats, arg_list(rows->accounts, rows->count),
										 arg_list(rows->ids, rows->count));
}

const SweepKind sweep_kinds[SWEEP_KINDS] = {
	{"license", PLAN_sweep_pick_licenses, PLAN_sweep_note_locked_licenses, PLAN_sweep_forget_licenses, sweep_licenses},
	{"notice", PLAN_sweep_pick_notices, PLAN_sweep_note_locked_notices, PLAN_sweep_forget_notices, raise_planned},
	{"seat", PLAN_sweep_pick_seats, PLAN_sweep_note_locked_seats, PLAN_sweep_forget_seats, reclaim_seats},
};
