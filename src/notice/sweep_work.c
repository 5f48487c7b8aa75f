/*
 * sweep_work.c
 *		The kinds of work that the sweep does.
 *
 * The pick statement of a kind locks rows; those that the work then runs find
 * their keys in lists and can rely on nobody else changing the rows.
 */
#include "notice/sweep_work.h"

#include "catalog/pg_type.h"
#include "core/field.h"
#include "utils/array.h"

/* Licences, and when the sweep must next look at each: three lists of the same length, or NULL */
typedef struct NextLooks
{
	NullableDatum account_ids;
	NullableDatum license_ids;
	NullableDatum moments;
} NextLooks;

/* What raising the notices of licences has found */
typedef struct StagesRow
{
	int32		sent;			/* notices */
	int32		skipped;
	NextLooks	ending;			/* licences whose contract has ended */
	NextLooks	staying;		/* the others */
} StagesRow;

static NullableDatum
arg_list(const Datum *values, int count)
{
	return arg_datum(PointerGetDatum(construct_array(unconstify(Datum *, values), count, INT8OID,
													 sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
					 false);
}

/*
 * The end of a contract is a moment without a stage.  Stages whose moment lies
 * before sweep_at were processed by an earlier sweep.
 */
static Statement sweep_raise_stages = STATEMENT(
	"WITH moment AS MATERIALIZED ("
	"  SELECT l.account_id, l.license_id, l.site_id, l.sku, l.status, l.ends_at, l.sweep_at, l.auto_renew,"
	"   a.email, s.stage, s.title, s.lead, license._calendar_add(l.ends_at, -s.lead, a.time_zone) AS due_at,"
	"   l.status IN ('in_use', 'access_denied') AS lives"
	"  FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) k (account_id, license_id)"
	"  JOIN license.license l ON l.account_id = k.account_id AND l.license_id = k.license_id"
	"  JOIN license.account a ON a.account_id = l.account_id"
	"  CROSS JOIN (SELECT stage, title, lead FROM license.notice_stage WHERE active"
	"   UNION ALL SELECT NULL, NULL, interval '0') s),"
	" judged AS ("
	"  SELECT m.*, CASE WHEN lead < interval '0' THEN 'sent' WHEN status <> 'in_use' THEN 'skipped'"
	"   WHEN lead = interval '0' OR pg_catalog.row_number() OVER (PARTITION BY account_id, license_id,"
	"    lead > interval '0' ORDER BY due_at DESC, stage DESC) = 1 THEN 'sent' ELSE 'skipped' END AS state"
	"  FROM moment m WHERE due_at <= $1 AND stage IS NOT NULL"
	"  AND (lives OR status = 'contract_finalized' AND lead < interval '0')),"
	" raised AS ("
	"  INSERT INTO license.notice AS n (account_id, license_id, site_id, term_ends_at, stage, due_at, state,"
	"   recipient, payload, sent_at)"
	"  SELECT j.account_id, j.license_id, j.site_id, j.ends_at, j.stage, j.due_at, j.state, j.email,"
	"   pg_catalog.jsonb_build_object('account_id', j.account_id, 'license_id', j.license_id, 'stage', j.stage,"
	"   'ends_at', j.ends_at, 'auto_renew', j.auto_renew, 'title', j.title, 'sku', j.sku, 'site',"
	"   (SELECT t.name FROM license.site t WHERE t.account_id = j.account_id AND t.site_id = j.site_id)),"
	"   CASE j.state WHEN 'sent' THEN $1 END"
	"  FROM judged j WHERE j.due_at >= j.sweep_at ORDER BY j.due_at, j.stage"
	"  ON CONFLICT (account_id, license_id, term_ends_at, stage) DO UPDATE SET state = excluded.state,"
	"   due_at = excluded.due_at, recipient = excluded.recipient, payload = n.payload || excluded.payload,"
	"   sent_at = excluded.sent_at WHERE n.state = 'pending'"
	"  RETURNING n.*),"
	" told AS ("
	"  SELECT (pg_catalog.count(*) FILTER (WHERE state = 'sent'))::int4 AS sent,"
	"   (pg_catalog.count(*) FILTER (WHERE state = 'skipped'))::int4 AS skipped FROM raised),"
	" next AS ("
	"  SELECT account_id, license_id, lives AND ends_at <= $1 AS ends, pg_catalog.min(due_at) FILTER"
	"   (WHERE due_at > $1 AND (lives OR status = 'contract_finalized' AND lead < interval '0')) AS sweep_at"
	"  FROM moment GROUP BY account_id, license_id, lives, ends_at)"
	" SELECT told.sent, told.skipped, n.* FROM told, (SELECT"
	"  pg_catalog.array_agg(account_id) FILTER (WHERE ends) AS ending_accounts,"
	"  pg_catalog.array_agg(license_id) FILTER (WHERE ends) AS ending_licenses,"
	"  pg_catalog.array_agg(sweep_at) FILTER (WHERE ends) AS ending_moments,"
	"  pg_catalog.array_agg(account_id) FILTER (WHERE ends IS NOT TRUE) AS staying_accounts,"
	"  pg_catalog.array_agg(license_id) FILTER (WHERE ends IS NOT TRUE) AS staying_licenses,"
	"  pg_catalog.array_agg(sweep_at) FILTER (WHERE ends IS NOT TRUE) AS staying_moments FROM next) n",
	TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID);

static StagesRow
raise_stages(const SweepPass *pass, const SweepRows *rows)
{
	StagesRow	row;

	RUN(sweep_raise_stages, arg_time(pass->at), arg_list(rows->accounts, rows->count),
		arg_list(rows->ids, rows->count));
	row.sent = field_int32("sent");
	row.skipped = field_int32("skipped");
	row.ending.account_ids = field_value("ending_accounts");
	row.ending.license_ids = field_value("ending_licenses");
	row.ending.moments = field_value("ending_moments");
	row.staying.account_ids = field_value("staying_accounts");
	row.staying.license_ids = field_value("staying_licenses");
	row.staying.moments = field_value("staying_moments");
	return row;
}

#define SWEPT \
	" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3))" \
	" k (account_id, license_id, sweep_at) WHERE l.account_id = k.account_id AND l.license_id = k.license_id"

static Statement sweep_finalize = STATEMENT(
	"UPDATE license.license l SET status = 'contract_finalized', reason = 'contract ended',"
	" sweep_at = k.sweep_at" SWEPT,
	INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID);

static Statement sweep_advance = STATEMENT(
	"UPDATE license.license l SET sweep_at = k.sweep_at" SWEPT,
	INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID);

/* Licences that stay are updated separately: a change of nothing but sweep_at leaves no history. */
static void
sweep_licenses(SweepPass *pass, const SweepRows *rows)
{
	StagesRow	row = raise_stages(pass, rows);

	pass->notices += row.sent;
	pass->skipped += row.skipped;
	if (!row.ending.account_ids.isnull)
		pass->finalized += (int32) RUN(sweep_finalize, row.ending.account_ids, row.ending.license_ids,
									   row.ending.moments);
	if (!row.staying.account_ids.isnull)
		RUN(sweep_advance, row.staying.account_ids, row.staying.license_ids, row.staying.moments);
}

static Statement sweep_raise_notices = STATEMENT(
	"UPDATE license.notice n SET state = 'sent', sent_at = $1"
	" FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) k (account_id, notice_id)"
	" WHERE n.account_id = k.account_id AND n.notice_id = k.notice_id",
	TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID);

static void
raise_planned(SweepPass *pass, const SweepRows *rows)
{
	pass->notices += (int32) RUN(sweep_raise_notices, arg_time(pass->at),
								 arg_list(rows->accounts, rows->count), arg_list(rows->ids, rows->count));
}

static Statement sweep_reclaim_seats = STATEMENT(
	"DELETE FROM license.seat s"
	" USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) k (account_id, seat_id)"
	" WHERE s.account_id = k.account_id AND s.seat_id = k.seat_id",
	INT8ARRAYOID, INT8ARRAYOID);

static void
reclaim_seats(SweepPass *pass, const SweepRows *rows)
{
	pass->seats_reclaimed += (int32) RUN(sweep_reclaim_seats, arg_list(rows->accounts, rows->count),
										 arg_list(rows->ids, rows->count));
}

/* $3 is when the sweep began: rows that it has passed by are not picked again. */
#define NOT_PASSED_BY(subject, account, id) \
	" AND NOT EXISTS (SELECT FROM license.sweep_state z WHERE z.account_id = " account \
	" AND z.subject = '" subject "' AND z.subject_id = " id " AND (z.tried_at >= $3 OR z.retry_at > $3))"

#define PICKED(id, from) \
	"SELECT pg_catalog.array_agg(account_id) AS account_ids, pg_catalog.array_agg(" id ") AS ids" \
	" FROM (" from ") d"

/*
 * Also locks the account and the site, to which notices and events refer, and
 * picks no licence where one of them is locked.  Each lateral subquery locks one
 * row, so the planner does not merge it into a join, and LIMIT counts only rows
 * that could be locked.
 */
static Statement sweep_pick_licenses = STATEMENT(
	PICKED("license_id", "SELECT l.account_id, l.license_id FROM license.license l"
	" CROSS JOIN LATERAL (SELECT FROM license.account a WHERE a.account_id = l.account_id"
	"  FOR KEY SHARE SKIP LOCKED) a"
	" LEFT JOIN LATERAL (SELECT true AS free FROM license.site s WHERE s.account_id = l.account_id"
	"  AND s.site_id = l.site_id FOR KEY SHARE SKIP LOCKED) s ON true"
	" WHERE l.sweep_at <= $1 AND (l.site_id IS NULL OR s.free)"
	NOT_PASSED_BY("license", "l.account_id", "l.license_id")
	" ORDER BY l.sweep_at LIMIT $2 FOR NO KEY UPDATE OF l SKIP LOCKED"),
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID);

static Statement sweep_pick_notices = STATEMENT(
	PICKED("notice_id", "SELECT n.account_id, n.notice_id FROM license.notice n"
	" WHERE n.state = 'pending' AND n.kind <> 'expiry' AND n.due_at <= $1"
	NOT_PASSED_BY("notice", "n.account_id", "n.notice_id")
	" ORDER BY n.due_at LIMIT $2 FOR NO KEY UPDATE OF n SKIP LOCKED"),
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID);

/* Locks the pool too, because a request for a seat holds its lock, and skips what is locked. */
static Statement sweep_pick_seats = STATEMENT(
	PICKED("seat_id", "SELECT s.account_id, s.seat_id FROM license.seat s JOIN license.license_pool p"
	" ON p.account_id = s.account_id AND p.license_id = s.license_id AND p.pool = s.pool"
	" WHERE s.expires_at <= $1"
	NOT_PASSED_BY("seat", "s.account_id", "s.seat_id")
	" ORDER BY s.expires_at LIMIT $2"
	" FOR NO KEY UPDATE OF p SKIP LOCKED FOR UPDATE OF s SKIP LOCKED"),
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID);

#define NOTE_LOCKED(subject, id, table, due) \
	"INSERT INTO license.sweep_state AS state" \
	" (account_id, subject, subject_id, since, tried_at, sqlstate, message)" \
	" SELECT l.account_id, '" subject "', l." id ", $4, $4, '55P03', 'locked by another transaction'" \
	" FROM license." table " l WHERE " due \
	NOT_PASSED_BY(subject, "l.account_id", "l." id) " LIMIT $2" \
	" ON CONFLICT (account_id, subject, subject_id) DO UPDATE SET tried_at = excluded.tried_at," \
	" attempts = state.attempts + 1, sqlstate = excluded.sqlstate, message = excluded.message, retry_at = NULL"

#define LICENSE_DUE "l.sweep_at <= $1"

static Statement sweep_note_locked_licenses = STATEMENT(
	NOTE_LOCKED("license", "license_id", "license", LICENSE_DUE),
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

#define NOTICE_DUE "l.state = 'pending' AND l.kind <> 'expiry' AND l.due_at <= $1"

static Statement sweep_note_locked_notices = STATEMENT(
	NOTE_LOCKED("notice", "notice_id", "notice", NOTICE_DUE),
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

#define SEAT_DUE "l.expires_at <= $1"

static Statement sweep_note_locked_seats = STATEMENT(
	NOTE_LOCKED("seat", "seat_id", "seat", SEAT_DUE),
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

#define FORGET_DONE(subject, id, table, due) \
	"DELETE FROM license.sweep_state z WHERE z.subject = '" subject "'" \
	" AND NOT EXISTS (SELECT FROM license." table " l" \
	" WHERE l.account_id = z.account_id AND l." id " = z.subject_id AND " due ")"

static Statement sweep_forget_licenses = STATEMENT(
	FORGET_DONE("license", "license_id", "license", LICENSE_DUE),
	TIMESTAMPTZOID);

static Statement sweep_forget_notices = STATEMENT(
	FORGET_DONE("notice", "notice_id", "notice", NOTICE_DUE),
	TIMESTAMPTZOID);

static Statement sweep_forget_seats = STATEMENT(
	FORGET_DONE("seat", "seat_id", "seat", SEAT_DUE),
	TIMESTAMPTZOID);

const SweepKind sweep_kinds[SWEEP_KINDS] = {
	{"license", &sweep_pick_licenses, &sweep_note_locked_licenses, &sweep_forget_licenses, sweep_licenses},
	{"notice", &sweep_pick_notices, &sweep_note_locked_notices, &sweep_forget_notices, raise_planned},
	{"seat", &sweep_pick_seats, &sweep_note_locked_seats, &sweep_forget_seats, reclaim_seats},
};
