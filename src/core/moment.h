/*
 * moment.h
 *		Arithmetic with moments that never raises.
 */
#ifndef LICENSE_MOMENT_H
#define LICENSE_MOMENT_H

#include "core/extension.h"

/* A moment plus a span, in UTC: days have 24 hours.  What PostgreSQL could not hold is infinity or -infinity. */
extern TimestampTz moment_add(TimestampTz at, const Interval *span);

/* The same, but at most the last moment there is */
extern TimestampTz moment_add_finite(TimestampTz at, const Interval *span);

#endif							/* LICENSE_MOMENT_H */
