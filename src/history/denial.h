/*
 * denial.h
 *		Denials: requests that were refused.
 */
#ifndef LICENSE_DENIAL_H
#define LICENSE_DENIAL_H

#include "core/extension.h"

/* What was requested, and for whom; NULL where it does not apply */
typedef struct Denial
{
	NullableDatum license_id;
	const char *pool;
	NullableDatum device_id;
	NullableDatum user_id;
	NullableDatum site_id;
	NullableDatum apartment_id;
} Denial;

/* Writes nothing for an account that does not exist.  Call it inside an operation. */
extern void denial_write(int64 account_id, TimestampTz at, const char *code, const Denial *denial);

#endif							/* LICENSE_DENIAL_H */
