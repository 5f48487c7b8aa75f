/*
 * provision.c
 *		A licence key is sent at a site.
 */
#include "core/extension.h"
#include "core/function.h"

#include "license/license.h"
#include "license/license_key.h"
#include "license/license_status.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/secret.h"
#include "core/text_limit.h"

PG_FUNCTION_INFO_V1(license_provision);

/* What of a key may be shown: its first group */
#define SHOWN_SYMBOLS 5

/* A key sent, and where */
typedef struct Sent
{
	int64		account_id;
	int64		site_id;
	char		key[LICENSE_KEY_TEXT_SIZE];
} Sent;

/* The error takes every row back, so the attempt is kept in the server log. */
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
	"SELECT license_model = 'custom', region FROM license.site WHERE account_id = $1 AND site_id = $2 FOR NO KEY UPDATE",
	INT8OID, INT8OID);

/* Two keys sent at one site at the same time wait for each other here.  Answers the region. */
static char *
lock_site(const Sent *sent)
{
	if (RUN(provision_site, arg_int64(sent->account_id), arg_int64(sent->site_id)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("site " INT64_FORMAT " does not exist", sent->site_id),
				errdetail("Account " INT64_FORMAT " has no such site.", sent->account_id));
	if (got_bool(1))
		ereport(ERROR,
				errcode(ERRCODE_MIGRATION_REQUIRED),
				errmsg("site " INT64_FORMAT " is on the old licence model", sent->site_id),
				errhint("Migrate it with license.request_migration() first."));
	return got_text(2);
}

static Statement provision_license = STATEMENT(
	"SELECT l.license_id, l.status, coalesce(l.site_id = $3, false), o.regions IS NULL OR $4 = ANY (o.regions), o.sku"
	" FROM license.license l JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.key OPERATOR(license.=) $2::license.license_key FOR NO KEY UPDATE OF l",
	INT8OID, TEXTOID, INT8OID, TEXTOID);

static Statement provision_known_key = STATEMENT(
	"SELECT FROM license.license WHERE key OPERATOR(license.=) $1::license.license_key",
	TEXTOID);

/* The licence of the key becomes the row that was got. */
static void
lock_license_of_key(const Sent *sent, const char *region)
{
	if (RUN(provision_license, arg_int64(sent->account_id), arg_text(sent->key),
			arg_int64(sent->site_id), arg_text(region)) > 0)
		return;
	if (RUN(provision_known_key, arg_text(sent->key)) > 0)
		refuse_key(sent, ERRCODE_KEY_BELONGS_ELSEWHERE, "the licence key belongs to another organization",
				   "A key is good for the sites of the organization it was issued to.");
	refuse_key(sent, ERRCODE_LICENSE_NOT_FOUND, "no licence has this key",
			   "The key is well formed, but was never issued.");
}

/* True when this very key was provisioned here before and there is nothing to do */
static bool
check_provisionable(const Sent *sent, const char *region)
{
	char	   *status = got_text(2);
	bool		is_here = got_bool(3);

	if (strcmp(status, CONTRACT_FINALIZED) == 0)
		license_status_require(got_int64(1), status, PENDING_START);
	if (strcmp(status, PENDING_PROVISION) != 0 && is_here)
		return true;
	if (strcmp(status, PENDING_PROVISION) != 0)
		refuse_key(sent, ERRCODE_KEY_BELONGS_ELSEWHERE, "the licence key is in use at another site",
				   "A key is provisioned once; further sites are assigned to its licence.");
	if (!got_bool(4))
		ereport(ERROR,
				errcode(ERRCODE_REGION_NOT_ALLOWED),
				errmsg("offer %s is not sold in region %s", cut_for_message(got_text(5)), region),
				errdetail("Site " INT64_FORMAT " lies there.", sent->site_id));
	return false;
}

static Statement provision_update = STATEMENT(
	"UPDATE license.license l SET site_id = $3,"
	" status = CASE l.start_rule WHEN 'immediate' THEN 'in_use' ELSE 'pending_start' END,"
	" starts_at = CASE l.start_rule WHEN 'immediate' THEN $4 END,"
	" ends_at = CASE l.start_rule WHEN 'immediate' THEN license._calendar_add($4, l.term, a.time_zone) END"
	" FROM license.account a WHERE a.account_id = $1 AND l.account_id = $1 AND l.license_id = $2"
	" RETURNING l.status",
	INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID);

static Datum
provision(const Sent *sent, TimestampTz at)
{
	char	   *region = lock_site(sent);
	int64		license_id;
	bool		isnull;

	lock_license_of_key(sent, region);
	if (check_provisionable(sent, region))
		return got_datum_to_keep(2, &isnull);
	license_id = got_int64(1);
	license_check_site_is_free(sent->account_id, license_id, arg_int64(sent->site_id));
	RUN(provision_update, arg_int64(sent->account_id), arg_int64(license_id),
		arg_int64(sent->site_id), arg_time(at));
	return got_datum_to_keep(1, &isnull);
}

/*
 * license.provision(account_id, site_id, key, at) → status
 *		Sends a key at a site: the licence is pending start there, or in use
 *		from that moment where its offer starts immediately.  The same key at
 *		the same site again changes nothing.  O11 to O15, O18.
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
	operation_begin(&op, fcinfo, "provision", moment_argument(fcinfo, 3));
	license_key_require(text_argument(fcinfo, 2), &key);
	license_key_format(&key, sent.key);
	status = provision(&sent, operation_at());
	operation_end(&op);
	secret_end(&secret);
	return status;
}
