/*
 * denial.c
 *		Refusals that are kept although nothing else changed.
 */
#include "denial.h"

#include "plans.h"

void
denial_write(int64 account_id, TimestampTz at, const char *code, const Denial *denial)
{
	RUN(denial_write, arg_int64(account_id), arg_time(at), arg_text(code),
		denial->license_id, arg_text(denial->pool), denial->device_id, denial->user_id,
		denial->site_id, denial->apartment_id);
}
