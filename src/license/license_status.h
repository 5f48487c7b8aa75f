/*
 * license_status.h
 *		The statuses of a licence and the changes between them.
 */
#ifndef LICENSE_STATUS_H
#define LICENSE_STATUS_H

#include "core/extension.h"

#define PENDING_PROVISION	"pending_provision"
#define PENDING_START		"pending_start"
#define IN_USE				"in_use"
#define ACCESS_DENIED		"access_denied"
#define CONTRACT_FINALIZED	"contract_finalized"

/* Raises LX003 unless the change of status is listed; from a status to itself never is. */
extern void license_status_require(int64 license_id, const char *from, const char *to);

#endif							/* LICENSE_STATUS_H */
