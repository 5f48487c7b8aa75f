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

#endif							/* LICENSE_STATUS_H */
