/*
 * license_data.c
 *		Reports about one licence, as JSON.
 */
#include "core/extension.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "license/license.h"

PG_FUNCTION_INFO_V1(license_license_document);
PG_FUNCTION_INFO_V1(license_license_data);

/* Runs a function that returns column "report" of the statement. */
static Datum
report_license(FunctionCallInfo fcinfo, OperationId operation, Statement *statement)
{
	Operation	op;
	Datum		report;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "license_id");
	operation_begin(&op, fcinfo, operation, GetCurrentTransactionStartTimestamp());
	if (RUN(*statement, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1)) == 0)
		license_not_found(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	report = operation_keep_varlena(field_value("report").value);
	operation_end(&op);
	return report;
}

static Statement license_document_statement = STATEMENT(
	"SELECT pg_catalog.jsonb_build_object('license_key', l.key::text,"
	" 'organization', pg_catalog.jsonb_build_object('account_id', a.account_id, 'name', a.name, 'email', a.email),"
	" 'location', (SELECT pg_catalog.jsonb_build_object('site_id', s.site_id, 'name', s.name, 'region', s.region,"
	" 'sector', s.sector) FROM license.site s WHERE s.account_id = l.account_id"
	" AND s.site_id = coalesce(r.site_id, l.site_id)),"
	" 'type', pg_catalog.jsonb_build_object('basis', p.pool, 'quantity', p.maximum, 'modules', l.modules,"
	" 'years', pg_catalog.date_part('year', l.term), 'term', l.term, 'payment_form', l.payment_form),"
	" 'offer', pg_catalog.jsonb_build_object('sku', o.sku, 'name', o.name),"
	" 'partner', (SELECT name FROM license.account WHERE account_id = l.partner_id),"
	" 'distributor', (SELECT name FROM license.account WHERE account_id = l.distributor_id),"
	" 'issued_at', l.created_at) AS report"
	" FROM license.license l JOIN license.account a ON a.account_id = l.account_id"
	" JOIN license.offer o ON o.sku = l.sku"
	" LEFT JOIN license.license_request r ON r.account_id = l.account_id AND r.license_id = l.license_id"
	" LEFT JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id"
	" WHERE l.account_id = $1 AND l.license_id = $2 ORDER BY p.pool LIMIT 1",
	INT8OID, INT8OID);

/*
 * license.license_document(account_id, license_id) → jsonb
 *		Returns the contents of the document for the customer: location, type of
 *		licence (basis, quantity, modules, years, payment) and key.
 *		Errors: LX005, 22004.
 */
Datum
license_license_document(PG_FUNCTION_ARGS)
{
	return report_license(fcinfo, OP_LICENSE_DOCUMENT, &license_document_statement);
}

static Statement license_data_statement = STATEMENT(
	"SELECT pg_catalog.jsonb_build_object("
	" 'general', pg_catalog.jsonb_build_object('license_key', l.key::text, 'sku', l.sku, 'organization', a.name,"
	" 'location', s.name, 'status', l.status, 'starts_at', l.starts_at, 'ends_at', l.ends_at, 'term', l.term,"
	" 'access_points', p.pools -> 'access_point', 'rooms', p.pools -> 'room', 'pools', p.pools,"
	" 'payment_form', l.payment_form, 'partner_id', l.partner_id, 'distributor_id', l.distributor_id,"
	" 'connections', l.connections, 'reason', l.reason, 'auto_renew', l.auto_renew),"
	" 'modules', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	" 'module', u.m, 'name', k.name, 'base', coalesce(k.base, false)) ORDER BY u.n)"
	" FROM pg_catalog.unnest(l.modules) WITH ORDINALITY u (m, n)"
	" LEFT JOIN license.module k ON k.module = u.m), '[]'),"
	" 'upgrades', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	" 'at', e.at, 'actor', e.actor, 'action', e.action, 'old', e.old, 'new', e.new) ORDER BY e.event_id)"
	" FROM license.event e WHERE e.account_id = $1 AND e.subject IN ('license', 'license_pool')"
	" AND e.subject_id = $2), '[]'),"
	" 'notifications', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	" 'stage', n.stage, 'kind', n.kind, 'state', n.state, 'term_ends_at', n.term_ends_at, 'due_at', n.due_at,"
	" 'sent_at', n.sent_at, 'recipient', n.recipient) ORDER BY n.due_at, n.stage, n.notice_id)"
	" FROM license.notice n WHERE n.account_id = $1 AND n.license_id = $2 AND n.state <> 'pending'), '[]'),"
	" 'assignments', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	" 'site_id', v.site_id, 'site', v.site, 'pool', v.pool, 'units', v.units) ORDER BY v.site_id, v.pool)"
	" FROM license.assignment_overview v WHERE v.account_id = $1 AND v.license_id = $2), '[]')) AS report"
	" FROM license.license l JOIN license.account a ON a.account_id = l.account_id"
	" LEFT JOIN license.site s ON s.account_id = l.account_id AND s.site_id = l.site_id"
	" CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.jsonb_object_agg(q.pool,"
	" pg_catalog.jsonb_build_object('maximum', q.maximum, 'in_use', q.in_use)), '{}') AS pools"
	" FROM license.license_pool q WHERE q.account_id = l.account_id AND q.license_id = l.license_id) p"
	" WHERE l.account_id = $1 AND l.license_id = $2",
	INT8OID, INT8OID);

/*
 * license.license_data(account_id, license_id) → jsonb
 *		Returns the general data, modules, upgrades, notifications and
 *		assignments of a licence.
 *		Errors: LX005, 22004.
 */
Datum
license_license_data(PG_FUNCTION_ARGS)
{
	return report_license(fcinfo, OP_LICENSE_DATA, &license_data_statement);
}
