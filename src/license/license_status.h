/*
 * license_status.h
 *		The statuses of a licence and the ways between them.
 */
#ifndef LICENSE_STATUS_H
#define LICENSE_STATUS_H

#define PENDING_PROVISION	"pending_provision"
#define PENDING_START		"pending_start"
#define IN_USE				"in_use"
#define ACCESS_DENIED		"access_denied"
#define CONTRACT_FINALIZED	"contract_finalized"

/* Raises LX003 unless there is such a change of status; from a status to itself there is none. */
extern void license_status_require(int64 license_id, const char *from, const char *to);

#endif							/* LICENSE_STATUS_H */
