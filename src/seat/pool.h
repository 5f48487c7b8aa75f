/*
 * pool.h
 *		A pool of a licence under its row lock.
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
 * pool is text.  Waits for whoever takes or gives back a seat of the pool and locks its row
 * until the end of the transaction; false: there is no such pool.
 */
extern bool pool_lock(int64 account_id, int64 license_id, Datum pool, PoolState *state);

#endif							/* LICENSE_POOL_H */
