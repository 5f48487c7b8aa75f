/*
 * pool.c
 *		Locks a pool of a licence.
 *
 * SELECT ... FOR NO KEY UPDATE would fail at REPEATABLE READ whenever another
 * transaction has taken a seat since the snapshot.  The counted foreign key uses
 * the latest version of the row, so this does too.
 */
#include "seat/pool.h"

#include "core/row.h"
#include "utils/snapmgr.h"

bool
pool_lock(int64 account_id, int64 license_id, Datum pool, PoolState *state)
{
	Datum		keys[3] = {Int64GetDatum(account_id), Int64GetDatum(license_id), pool};
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Row			row;
	bool		locked = row_open(&row, snapshot, "license_pool", "license_pool_pkey",
								  keys, lengthof(keys)) &&
		row_lock(&row, &state->newer);

	if (locked)
	{
		state->maximum = DatumGetInt32(row_datum(&row, "maximum"));
		state->in_use = DatumGetInt32(row_datum(&row, "in_use"));
	}
	row_close(&row);
	UnregisterSnapshot(snapshot);
	return locked;
}
