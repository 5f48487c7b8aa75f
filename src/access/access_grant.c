/*
 * access_grant.c
 *		grant_access(), revoke_access() and refresh_access() change the rows of
 *		license.access and the privileges that go with them.
 *
 * Two transactions cannot run GRANT on one object at once, so all of them first
 * lock license.access.
 */
#include "core/extension.h"

#include "access/access_levels.h"
#include "access/access_privileges.h"
#include "access/access_role.h"
#include "catalog/pg_type.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(license_grant_access);
PG_FUNCTION_INFO_V1(license_revoke_access);
PG_FUNCTION_INFO_V1(license_refresh_access);

/* A row of license.access */
typedef struct AccessRow
{
	int64		access_id;
	GrantedRole role;
	const char *level;
	NullableDatum account_id;
} AccessRow;

static AccessRow *
read_row(HeapTuple tuple, TupleDesc desc)
{
	AccessRow  *row = palloc_object(AccessRow);
	bool		isnull;
	Datum		access_id = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "access_id"), &isnull);
	Datum		role = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "role"), &isnull);

	row->access_id = DatumGetInt64(access_id);
	row->role = *(GrantedRole *) DatumGetPointer(role);
	row->level = SPI_getvalue(tuple, desc, SPI_fnumber(desc, "level"));
	row->account_id.value = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "account_id"), &row->account_id.isnull);
	return row;
}

static Statement access_lock = STATEMENT(
	"LOCK TABLE license.access IN SHARE ROW EXCLUSIVE MODE");

static Statement access_rows = STATEMENT(
	"SELECT access_id, role, level, account_id FROM license.access ORDER BY access_id");

/* Locks license.access against other changes and returns its latest rows, a list of AccessRow. */
static List *
lock_rows(void)
{
	List	   *rows = NIL;

	RUN(access_lock);
	statement_run_latest(&access_rows, NULL, 0);
	for (uint64 i = 0; i < SPI_tuptable->numvals; i++)
		rows = lappend(rows, read_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
	return rows;
}

/* Neither PUBLIC nor the owner can have a level. */
static void
require_grantable(Oid role, Oid owner)
{
	if (!OidIsValid(role) || role == owner)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("access is granted to a role other than the owner of the extension"));
}

static int
require_level(const char *name)
{
	int			level = access_level(name);

	if (level == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there is no level \"%.80s\"", name),
				errhint("Levels are provider, distributor, partner, customer, reader, service and operator."));
	return level;
}

static void
refuse_confined_global_level(int level, const char *name)
{
	if (level & GLOBAL_LEVELS)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("level \"%s\" cannot be confined to an account", name),
				errhint("Grant it without an account, or grant the levels distributor, partner, customer or reader in the account."));
}

/* Is it a grant to the role, of the level unless that is NULL, in the account unless that is NULL? */
static bool
is_meant(const AccessRow *row, Oid role, const char *level, NullableDatum account_id)
{
	return row->role.id == role && (level == NULL || strcmp(row->level, level) == 0) &&
		(account_id.isnull || (!row->account_id.isnull &&
							   DatumGetInt64(row->account_id.value) == DatumGetInt64(account_id.value)));
}

static bool
has_grant(Oid role, const char *level, NullableDatum account_id)
{
	ListCell   *cell;

	foreach(cell, lock_rows())
	{
		const AccessRow *row = lfirst(cell);

		if (is_meant(row, role, level, account_id) && row->account_id.isnull == account_id.isnull)
			return true;
	}
	return false;
}

static Statement access_insert = STATEMENT(
	"INSERT INTO license.access (role, level, account_id) VALUES ($1::license.granted_role, $2, $3)",
	TEXTOID, TEXTOID, INT8OID);

/*
 * license.grant_access(role regrole, level text, account_id bigint DEFAULT NULL) → void
 *		Gives a role a level in an account and the accounts below it, or
 *		everywhere.  If the role has the level, its privileges are restored.
 *		Errors: 22004, 22023 unknown level, no ordinary role, or an account for
 *		a level that is never confined; 23503 unknown account, 42501, 42704.
 */
Datum
license_grant_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	char	   *role;
	char	   *name;
	int			level;

	require_argument(fcinfo, 0, "role");
	require_argument(fcinfo, 1, "level");
	name = text_argument(fcinfo, 1);
	operation_begin(&op, fcinfo, OP_GRANT_ACCESS, operation_at());
	require_grantable(PG_GETARG_OID(0), op.owner);
	role = GetUserNameFromId(PG_GETARG_OID(0), false);
	level = require_level(name);
	if (!PG_ARGISNULL(2))
		refuse_confined_global_level(level, name);
	if (!has_grant(PG_GETARG_OID(0), name, arg_passed(fcinfo, 2)))
		RUN(access_insert, arg_text(quote_identifier(role)), arg_text(name), arg_passed(fcinfo, 2));
	access_grant_level(quote_identifier(role), level);
	operation_end(&op);
	PG_RETURN_VOID();
}

static Statement access_delete = STATEMENT(
	"DELETE FROM license.access WHERE access_id = $1",
	INT8OID);

/* Deletes the rows that is_meant() finds; lost are the levels they had, kept those of the role's other rows. */
static void
delete_rows(Oid role, const char *level, NullableDatum account_id, int *lost, int *kept)
{
	ListCell   *cell;

	*lost = *kept = 0;
	foreach(cell, lock_rows())
	{
		const AccessRow *row = lfirst(cell);

		if (is_meant(row, role, level, account_id))
		{
			RUN(access_delete, arg_int64(row->access_id));
			*lost |= access_level(row->level);
		}
		else if (row->role.id == role)
			*kept |= access_level(row->level);
	}
}

static void
revoke_levels(const char *role, int lost, int kept)
{
	for (int level = 1; level <= lost; level <<= 1)
	{
		if (lost & level)
			access_revoke_level(role, level);
	}
	for (int level = 1; level <= kept; level <<= 1)
	{
		if (kept & level)
			access_grant_level(role, level);
	}
}

/*
 * license.revoke_access(role regrole, level text DEFAULT NULL, account_id bigint DEFAULT NULL) → void
 *		Takes levels away from a role: all of them, those of one name, or those
 *		in one account.  With its last level a role loses every privilege in
 *		schema license.  A role without levels is no error.  A dropped role is
 *		named by its oid.
 *		Errors: 22004, 22023, 42501.
 */
Datum
license_revoke_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	char	   *role;
	char	   *level;
	int			lost;
	int			kept;

	require_argument(fcinfo, 0, "role");
	level = text_argument(fcinfo, 1);
	operation_begin(&op, fcinfo, OP_REVOKE_ACCESS, operation_at());
	require_grantable(PG_GETARG_OID(0), op.owner);
	if (level != NULL)
		(void) require_level(level);
	delete_rows(PG_GETARG_OID(0), level, arg_passed(fcinfo, 2), &lost, &kept);
	role = GetUserNameFromId(PG_GETARG_OID(0), true);
	if (role != NULL && kept == 0 && (lost != 0 || level == NULL))
		access_revoke_everything(quote_identifier(role));
	else if (role != NULL)
		revoke_levels(quote_identifier(role), lost, kept);
	operation_end(&op);
	PG_RETURN_VOID();
}

static Statement access_bind = STATEMENT(
	"UPDATE license.access SET role = $2::license.granted_role WHERE access_id = $1",
	INT8OID, TEXTOID);

/* Binds a grant that was restored before its role was created, if the role exists now. */
static void
bind_role(AccessRow *row)
{
	Oid			role = get_role_oid(NameStr(row->role.name), true);

	if (!OidIsValid(role))
		return;
	row->role.id = role;
	RUN(access_bind, arg_int64(row->access_id), arg_text(quote_identifier(NameStr(row->role.name))));
}

/* Grants the privileges of the row, and returns its state. */
static const char *
refresh_row(AccessRow *row)
{
	const char *role;

	if (granted_role_state(&row->role) == GRANT_ROLE_UNKNOWN)
		bind_role(row);
	switch (granted_role_state(&row->role))
	{
		case GRANT_ROLE_GONE:
			return "role gone";
		case GRANT_ROLE_UNKNOWN:
			return "role unknown";
		case GRANT_ACTIVE:
			break;
	}
	role = quote_identifier(GetUserNameFromId(row->role.id, false));
	access_revoke_forbidden(role);
	access_grant_level(role, access_level(row->level));
	return "active";
}

/* Adds the row to the result of refresh_access(). */
static void
add_refreshed(FunctionCallInfo fcinfo, const AccessRow *row, const char *state)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *current = OidIsValid(row->role.id) ? GetUserNameFromId(row->role.id, true) : NULL;
	NameData	name;
	Datum		values[5];
	bool		nulls[5] = {false};

	namestrcpy(&name, current != NULL ? current : NameStr(row->role.name));
	values[0] = NameGetDatum(&name);
	values[1] = CStringGetTextDatum(row->level);
	values[2] = row->account_id.value;
	nulls[2] = row->account_id.isnull;
	values[3] = CStringGetTextDatum(state);
	values[4] = ObjectIdGetDatum(row->role.id);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * license.refresh_access() → SETOF (role_name, level, account_id, state, role_id)
 *		Grants every role the privileges of its levels in this version, revokes
 *		those that no level may have, and lists all grants.  Call it after an
 *		update or a restore.  Errors: 42501.
 */
Datum
license_refresh_access(PG_FUNCTION_ARGS)
{
	Operation	op;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	operation_begin(&op, fcinfo, OP_REFRESH_ACCESS, operation_at());
	foreach(cell, lock_rows())
	{
		AccessRow  *row = lfirst(cell);
		const char *state = refresh_row(row);

		add_refreshed(fcinfo, row, state);
	}
	operation_end(&op);
	return (Datum) 0;
}
