/*
 * trigger_depth.h
 *		How deeply nested in triggers the running statement is.
 */
#ifndef LICENSE_COUNTED_TRIGGER_DEPTH_H
#define LICENSE_COUNTED_TRIGGER_DEPTH_H

#include "core/extension.h"

#include "utils/fmgrprotos.h"

/* 0 outside of triggers */
static inline int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

#endif							/* LICENSE_COUNTED_TRIGGER_DEPTH_H */
