/*
 * access_role.c
 *		license.granted_role, the type that names a role in license.access.
 *
 * A grant belongs to a role and not to its name, so the value holds the oid.
 * Oids differ between servers, so pg_dump must write a name: the output
 * function gives the name that the role has now, and the input function looks
 * it up in the server that restores.  A role that was dropped is written with
 * a leading "!", which no role is ever found by.
 */
#include "access/access_role.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(license_granted_role_in);
PG_FUNCTION_INFO_V1(license_granted_role_out);

#define GONE_MARK		'!'
/* Stored for a role that was gone when the row was dumped; no role has it. */
#define GONE_ROLE_ID	((Oid) 1)

GrantState
granted_role_state(const GrantedRole *role)
{
	if (!OidIsValid(role->id))
		return GRANT_ROLE_UNKNOWN;
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role->id)) ? GRANT_ACTIVE : GRANT_ROLE_GONE;
}

static void
refuse_input(const char *text)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			errmsg("invalid input syntax for type %s: \"%.80s\"", "license.granted_role", text));
}

/* The opposite of quote_identifier(); names written without quotes stay as they are. */
static void
read_name(const char *text, NameData *name)
{
	const char *from = text;
	int			length = 0;
	bool		quoted = *from == '"';

	memset(name, 0, sizeof(NameData));
	if (quoted)
		from++;
	while (*from != '\0')
	{
		if (quoted && *from == '"' && *++from != '"')
			break;
		if (length == NAMEDATALEN - 1)
			refuse_input(text);
		NameStr(*name)[length++] = *from++;
	}
	if (length == 0 || *from != '\0' || (quoted && from[-1] != '"'))
		refuse_input(text);
}

/*
 * license.granted_role input: a role name, quoted where SQL would quote it; with
 * a leading "!" the name of one that was dropped.  Errors: 22P02.
 */
Datum
license_granted_role_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	GrantedRole *role = palloc0(sizeof(GrantedRole));
	bool		gone = text[0] == GONE_MARK;

	read_name(text + (gone ? 1 : 0), &role->name);
	role->id = gone ? GONE_ROLE_ID : get_role_oid(NameStr(role->name), true);
	PG_RETURN_POINTER(role);
}

/* license.granted_role output: the name that the role has now */
Datum
license_granted_role_out(PG_FUNCTION_ARGS)
{
	GrantedRole *role = (GrantedRole *) PG_GETARG_POINTER(0);
	const char *name = NameStr(role->name);

	switch (granted_role_state(role))
	{
		case GRANT_ACTIVE:
			name = GetUserNameFromId(role->id, false);
			break;
		case GRANT_ROLE_GONE:
			PG_RETURN_CSTRING(psprintf("%c%s", GONE_MARK, quote_identifier(name)));
		case GRANT_ROLE_UNKNOWN:
			break;
	}
	PG_RETURN_CSTRING(pstrdup(quote_identifier(name)));
}
