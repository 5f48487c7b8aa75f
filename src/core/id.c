/*
 * id.c
 *		Ids of rows: one sequence for all tables, with the number of the server
 *		in the high bits.
 */
#include "core/extension.h"

#include "commands/sequence.h"
#include "core/row.h"
#include "core/settings.h"

PG_FUNCTION_INFO_V1(license_next_id);

#define NODE_SHIFT 48

/*
 * license.next_id() → bigint
 *		Returns the next id, unique over all tables, tenants and servers: 15
 *		bits of license_ext.node_id above 48 bits of a sequence.
 *		Errors: 2200H when the sequence is used up.
 */
Datum
license_next_id(PG_FUNCTION_ARGS)
{
	int64		number = nextval_internal(relation_of_ours("id_seq"), false);

	PG_RETURN_INT64(((int64) node_id << NODE_SHIFT) | number);
}
