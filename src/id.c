/*
 * id.c
 *		Row ids: one sequence for all tables, the server's number on top.
 */
#include "license_ext.h"

#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(license_next_id);

#define NODE_SHIFT 48

static Oid
id_sequence(void)
{
	Oid			sequence = get_relname_relid("id_seq", get_namespace_oid("license", false));

	if (!OidIsValid(sequence))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("sequence license.id_seq does not exist"));
	return sequence;
}

/*
 * license.next_id() → bigint
 *		The next id, unique over all tables, tenants and servers: 15 bits of
 *		license_ext.node_id above 48 bits of the sequence.  Contract 1.2.
 *		Errors: 2200H when the sequence is used up.
 */
Datum
license_next_id(PG_FUNCTION_ARGS)
{
	int64		number = nextval_internal(id_sequence(), false);

	PG_RETURN_INT64(((int64) node_id << NODE_SHIFT) | number);
}
