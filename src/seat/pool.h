/*
 * pool.h
 *		Locks a pool of a licence.
 */
#ifndef LICENSE_POOL_H
#define LICENSE_POOL_H

#include "core/extension.h"

typedef struct PoolState
{
	int32		maximum;
	int32		in_use;
	bool		newer;			/* changed after the transaction's snapshot was taken */
} PoolState;

/*
 * Waits for transactions that take or release a seat of the pool, locks its row
 * until the end of the transaction and reads it.  pool is a text datum.
 * Returns false if there is no such pool.
 */
extern bool pool_lock(int64 account_id, int64 license_id, Datum pool, PoolState *state);

#endif							/* LICENSE_POOL_H */
