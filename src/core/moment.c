/*
 * moment.c
 *		Arithmetic with timestamps that never raises.
 *
 * PostgreSQL raises 22008 for a result that a timestamp cannot hold.  Here it is
 * infinity, so that reports with an absurd span have an answer.
 */
#include "core/moment.h"

#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(license_moment_add);
PG_FUNCTION_INFO_V1(license_calendar_subtract);

/* The error of an estimate that counts months by their mean length is less than this. */
#define MARGIN (2.0 * DAYS_PER_YEAR * USECS_PER_DAY)

static double
estimate(const Interval *span)
{
	double		days = span->month * (DAYS_PER_YEAR / MONTHS_PER_YEAR) + span->day;

	return days * USECS_PER_DAY + span->time;
}

/* Infinity or -infinity if the result is out of the range of timestamps or close to its end, else 0. */
static TimestampTz
beyond(TimestampTz at, double offset)
{
	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	if (at + offset >= END_TIMESTAMP - MARGIN)
		return DT_NOEND;
	return at + offset < MIN_TIMESTAMP + MARGIN ? DT_NOBEGIN : 0;
}

TimestampTz
moment_add(TimestampTz at, const Interval *span)
{
	TimestampTz infinite = beyond(at, estimate(span));

	if (infinite != 0)
		return infinite;
	/* A timestamptz is stored in UTC, so that timestamp arithmetic counts in UTC. */
	return DatumGetTimestampTz(DirectFunctionCall2(timestamp_pl_interval, TimestampTzGetDatum(at),
												   IntervalPGetDatum(span)));
}

TimestampTz
moment_add_finite(TimestampTz at, const Interval *span)
{
	TimestampTz end = moment_add(at, span);

	return TIMESTAMP_IS_NOEND(end) ? END_TIMESTAMP - 1 : end;
}

/*
 * license._moment_add(at timestamptz, span interval) → timestamptz
 *		A moment plus a span in UTC, infinity and -infinity where it cannot be
 *		held.  Raises nothing.
 */
Datum
license_moment_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(moment_add(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_INTERVAL_P(1)));
}

/*
 * license._calendar_subtract(at timestamptz, span interval, zone text) → timestamptz
 *		A moment less a span, counted by the calendar and clock of a time zone;
 *		infinity and -infinity where it cannot be held.
 *		Errors: 22023 for an unknown zone.
 */
Datum
license_calendar_subtract(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
	Interval   *span = PG_GETARG_INTERVAL_P(1);
	TimestampTz infinite = beyond(at, -estimate(span));
	Datum		zone = PG_GETARG_DATUM(2);
	Datum		local;

	if (infinite != 0)
		PG_RETURN_TIMESTAMPTZ(infinite);
	local = DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at));
	local = DirectFunctionCall2(timestamp_mi_interval, local, IntervalPGetDatum(span));
	PG_RETURN_DATUM(DirectFunctionCall2(timestamp_zone, zone, local));
}
