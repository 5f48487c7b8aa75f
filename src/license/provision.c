/*
 * provision.c
 *		Provisions a licence: its key is sent at a site.
 */
#include "core/extension.h"

#include "account/site.h"
#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/secret.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "license/license.h"
#include "license/license_key.h"
#include "license/license_status.h"

PG_FUNCTION_INFO_V1(license_provision);

/* Only the first group of a key is shown in the log. */
#define SHOWN_SYMBOLS 5

/* A key sent, and where */
typedef struct Sent
{
	int64		account_id;
	int64		site_id;
	char		key[LICENSE_KEY_TEXT_SIZE];
} Sent;

/* Writes the attempt to the server log, since the error rolls back every row. */
static void
refuse_key(const Sent *sent, int sqlstate, const char *message, const char *detail)
{
	ereport(LOG,
			errcode(sqlstate),
			errmsg("licence key %.*s-... refused at site " INT64_FORMAT " of account " INT64_FORMAT ": %s",
				   SHOWN_SYMBOLS, sent->key, sent->site_id, sent->account_id, message),
			errhidestmt(true));
	ereport(ERROR,
			errcode(sqlstate),
			errmsg("%s", message),
			errdetail("%s", detail));
}

static Statement provision_site = STATEMENT(
	"SELECT license_model = 'custom' AS custom, region FROM license.site"
	" WHERE account_id = $1 AND site_id = $2 FOR NO KEY UPDATE",
	INT8OID, INT8OID);

/* Returns the region of the site.  The lock makes two keys sent at one site wait for each other. */
static char *
lock_site(const Sent *sent)
{
	if (RUN(provision_site, arg_int64(sent->account_id), arg_int64(sent->site_id)) == 0)
		site_refuse_unknown(sent->account_id, sent->site_id);
	if (field_bool("custom"))
		ereport(ERROR,
				errcode(ERRCODE_MIGRATION_REQUIRED),
				errmsg("site " INT64_FORMAT " is on the old licence model", sent->site_id),
				errhint("Migrate it with license.request_migration() first."));
	return field_text("region");
}

/* The licence of the key, its row locked */
typedef struct KeyRow
{
	int64		license_id;
	char	   *status;
	bool		is_here;		/* provisioned at the site where the key was sent */
	bool		is_sold_here;
	char	   *sku;
} KeyRow;

static Statement provision_license = STATEMENT(
	"SELECT l.license_id, l.status, coalesce(l.site_id = $3, false) AS is_here,"
	" o.regions IS NULL OR $4 = ANY (o.regions) AS is_sold_here, o.sku"
	" FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.key OPERATOR(license.=) $2::license.license_key FOR NO KEY UPDATE OF l",
	INT8OID, TEXTOID, INT8OID, TEXTOID);

static Statement provision_known_key = STATEMENT(
	"SELECT FROM license.license WHERE key OPERATOR(license.=) $1::license.license_key",
	TEXTOID);

static KeyRow
lock_license_of_key(const Sent *sent, const char *region)
{
	if (RUN(provision_license, arg_int64(sent->account_id), arg_text(sent->key),
			arg_int64(sent->site_id), arg_text(region)) > 0)
		return (KeyRow) {
			.license_id = field_int64("license_id"),
			.status = field_text("status"),
			.is_here = field_bool("is_here"),
			.is_sold_here = field_bool("is_sold_here"),
			.sku = field_text("sku"),
		};
	if (RUN(provision_known_key, arg_text(sent->key)) > 0)
		refuse_key(sent, ERRCODE_KEY_BELONGS_ELSEWHERE, "the licence key belongs to another organization",
				   "A key is good for the sites of the organization it was issued to.");
	refuse_key(sent, ERRCODE_LICENSE_NOT_FOUND, "no licence has this key",
			   "The key is well formed, but was never issued.");
	pg_unreachable();
}

/* Returns false if the key was provisioned at the site before: then there is nothing to do. */
static bool
check_provisionable(const Sent *sent, const KeyRow *license, const char *region)
{
	if (strcmp(license->status, CONTRACT_FINALIZED) == 0)
		license_status_require(license->license_id, license->status, PENDING_START);
	if (strcmp(license->status, PENDING_PROVISION) != 0 && license->is_here)
		return false;
	if (strcmp(license->status, PENDING_PROVISION) != 0)
		refuse_key(sent, ERRCODE_KEY_BELONGS_ELSEWHERE, "the licence key is in use at another site",
				   "A key is provisioned once; further sites are assigned to its licence.");
	if (!license->is_sold_here)
		ereport(ERROR,
				errcode(ERRCODE_REGION_NOT_ALLOWED),
				errmsg("offer %s is not sold in region %s", cut_for_message(license->sku), region),
				errdetail("Site " INT64_FORMAT " lies there.", sent->site_id));
	return true;
}

static Statement provision_update = STATEMENT(
	"UPDATE license.license l SET site_id = $3,"
	" status = CASE l.start_rule WHEN 'immediate' THEN 'in_use' ELSE 'pending_start' END,"
	" starts_at = CASE l.start_rule WHEN 'immediate' THEN $4 END,"
	" ends_at = CASE l.start_rule WHEN 'immediate' THEN license._calendar_add($4, l.term, a.time_zone) END"
	" FROM license.account a WHERE a.account_id = $1 AND l.account_id = $1 AND l.license_id = $2"
	" RETURNING l.status",
	INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID);

/* Returns the status of the licence afterwards. */
static Datum
provision(const Sent *sent, TimestampTz at)
{
	char	   *region = lock_site(sent);
	KeyRow		license = lock_license_of_key(sent, region);

	if (!check_provisionable(sent, &license, region))
		return operation_keep_varlena(arg_text(license.status).value);
	license_check_site_is_free(sent->account_id, license.license_id, arg_int64(sent->site_id));
	RUN(provision_update, arg_int64(sent->account_id), arg_int64(license.license_id),
		arg_int64(sent->site_id), arg_time(at));
	return operation_keep_varlena(field_value("status").value);
}

/*
 * license.provision(account_id, site_id, key, at) → status
 *		Sends a key at a site.  The licence becomes pending start there, or in
 *		use from that moment if its offer starts immediately.  The same key at
 *		the same site again changes nothing.
 *		Errors: LX003 finalized, LX004 malformed key, LX005, LX006, LX008,
 *		LX010, LX024, 23503 no such site, 22004.
 */
Datum
license_provision(PG_FUNCTION_ARGS)
{
	ErrorContextCallback secret;
	Operation	op;
	Sent		sent;
	LicenseKey	key;
	Datum		status;

	secret_begin(&secret);
	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 2, "key");
	sent.account_id = PG_GETARG_INT64(0);
	sent.site_id = PG_GETARG_INT64(1);
	operation_begin(&op, fcinfo, OP_PROVISION, moment_argument(fcinfo, 3));
	license_key_require(text_argument(fcinfo, 2), &key);
	license_key_format(&key, sent.key);
	status = provision(&sent, operation_at());
	operation_end(&op);
	secret_end(&secret);
	return status;
}
