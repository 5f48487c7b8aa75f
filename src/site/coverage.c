/*
 * coverage.c
 *		Units of a site: which it has, and how a grant is spread over them.
 *
 * A site holds a number of units; no unit is bound to an apartment.  A lot is a
 * number of units with one end.  A grant is first distributed over lots in
 * memory and then written: a lot that is a whole licence gets a later end, a
 * part of a licence becomes a licence of its own.
 */
#include "site/coverage.h"

#include "core/field.h"
#include "core/function.h"
#include "core/operation.h"
#include "core/statement.h"
#include "core/text_limit.h"
#include "funcapi.h"
#include "history/event.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(license_site_coverage);

typedef struct Lot
{
	int64		license_id;		/* of the licence it is or is a part of; 0: a new one */
	int32		units;
	int32		terms;			/* how often it is prolonged */
	TimestampTz start;			/* terms are counted from here */
	TimestampTz end;			/* start plus all the terms */
} Lot;

typedef struct Grant
{
	const Site *site;
	const char *sku;
	TimestampTz at;
	bool		open_ended;		/* the offer has no term */
	List	   *lots;			/* of Lot; what stays of a licence comes before the parts split off it */
	List	   *changes;		/* of CoverageChange */
} Grant;

void
coverage_check_quantity(int32 quantity, const char *what)
{
	if (quantity >= 1 && quantity <= MAX_UNITS)
		return;
	ereport(ERROR,
			errcode(ERRCODE_QUANTITY_INVALID),
			errmsg("%s must be between 1 and %d", what, MAX_UNITS),
			errdetail("%d was given.", quantity));
}

typedef struct OfferRow
{
	char	   *unit;
	char	   *regions;		/* as a list for people */
	bool		is_sold_here;
	bool		open_ended;
} OfferRow;

static void
refuse_region(const Site *site, const char *sku, const char *regions)
{
	ereport(ERROR,
			errcode(ERRCODE_REGION_NOT_ALLOWED),
			errmsg("offer %s is not sold in region %s", cut_for_message(sku), site->region),
			errdetail("Site " INT64_FORMAT " lies in %s; the offer is for %s only.",
					  site->site_id, site->region, regions));
}

static void
refuse_unit(const Site *site, const char *sku, const char *unit)
{
	ereport(ERROR,
			errcode(ERRCODE_OFFER_NOT_AVAILABLE),
			errmsg("offer %s is not for sites of type %s", cut_for_message(sku), site->type),
			errdetail("It covers units of \"%s\"; site " INT64_FORMAT " pays for \"%s\".",
					  unit, site->site_id, site->type));
}

static Statement coverage_offer = STATEMENT(
	"SELECT unit, regions IS NULL OR $2 = ANY (regions) AS is_sold_here,"
	" pg_catalog.array_to_string(regions, ', ') AS regions, term IS NULL AS open_ended"
	" FROM license.offer WHERE sku = $1",
	TEXTOID, TEXTOID);

static OfferRow
read_offer(const Grant *grant)
{
	if (RUN(coverage_offer, arg_text(grant->sku), arg_text(grant->site->region)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_OFFER_NOT_AVAILABLE),
				errmsg("offer %s does not exist", cut_for_message(grant->sku)));
	return (OfferRow) {
		.unit = field_text("unit"),
		.regions = field_text("regions"),
		.is_sold_here = field_bool("is_sold_here"),
		.open_ended = field_bool("open_ended"),
	};
}

static void
check_offer(Grant *grant)
{
	OfferRow	offer = read_offer(grant);

	if (!offer.is_sold_here)
		refuse_region(grant->site, grant->sku, offer.regions);
	if (strcmp(offer.unit, grant->site->type) != 0)
		refuse_unit(grant->site, grant->sku, offer.unit);
	grant->open_ended = offer.open_ended;
}

static Statement coverage_add_terms = STATEMENT(
	"SELECT license._calendar_add($2, term * $3, $4) AS moment FROM license.offer WHERE sku = $1",
	TEXTOID, TIMESTAMPTZOID, INT4OID, TEXTOID);

/* Adds a number of the offer's terms to a moment, in the time zone of the account. */
static TimestampTz
add_terms(const Grant *grant, TimestampTz start, int32 terms)
{
	RUN(coverage_add_terms, arg_text(grant->sku), arg_time(start), arg_int32(terms),
		arg_text(grant->site->time_zone));
	return field_time("moment");
}

static Lot *
new_lot(int64 license_id, int32 units, TimestampTz start)
{
	Lot		   *lot = palloc0_object(Lot);

	lot->license_id = license_id;
	lot->units = units;
	lot->start = start;
	lot->end = start;
	return lot;
}

/* A condition on license.license l */
#define LICENSE_RUNS_AT(moment) \
	"l.status = 'in_use' AND l.starts_at <= " moment " AND (l.ends_at IS NULL OR " moment " < l.ends_at)"

static Statement coverage_running = STATEMENT(
	"SELECT l.license_id, p.maximum, l.ends_at FROM license.license l"
	" JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id"
	" JOIN license.offer o ON o.sku = l.sku"
	" WHERE l.account_id = $1 AND l.site_id = $2 AND p.pool = $3 AND p.maximum > 0"
	" AND " LICENSE_RUNS_AT("$4") " AND l.ends_at IS NOT NULL"
	" AND l.start_rule = 'immediate' AND NOT o.trial"
	" AND NOT EXISTS (SELECT FROM license.license_pool q WHERE q.account_id = l.account_id"
	" AND q.license_id = l.license_id AND q.pool <> $3)"
	" ORDER BY l.ends_at, l.license_id FOR NO KEY UPDATE OF l, p",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/* The licences of the site that can be prolonged: locked, those that end first in front */
static List *
running_lots(const Grant *grant)
{
	const Site *site = grant->site;
	List	   *lots = NIL;
	SPITupleTable *table;
	TupleDesc	desc;
	int			license_id;
	int			maximum;
	int			ends_at;

	RUN(coverage_running, arg_int64(site->account_id), arg_int64(site->site_id), arg_text(site->type),
		arg_time(grant->at));
	table = SPI_tuptable;
	desc = table->tupdesc;
	license_id = SPI_fnumber(desc, "license_id");
	maximum = SPI_fnumber(desc, "maximum");
	ends_at = SPI_fnumber(desc, "ends_at");
	for (uint64 i = 0; i < table->numvals; i++)
	{
		HeapTuple	row = table->vals[i];
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		lots = lappend(lots, new_lot(DatumGetInt64(SPI_getbinval(row, desc, license_id, &isnull)),
									 DatumGetInt32(SPI_getbinval(row, desc, maximum, &isnull)),
									 DatumGetTimestampTz(SPI_getbinval(row, desc, ends_at, &isnull))));
	}
	return lots;
}

static Statement coverage_uncovered = STATEMENT(
	"SELECT greatest(0, CASE $3 WHEN 'device' THEN"
	" (SELECT coalesce(pg_catalog.sum(seats), 0) FROM license.device WHERE account_id = $1 AND site_id = $2)"
	" ELSE (SELECT pg_catalog.count(*) FROM license.apartment"
	" WHERE account_id = $1 AND site_id = $2 AND seats_used > 0) END"
	" - (SELECT coalesce(pg_catalog.sum(p.maximum), 0) FROM license.license l"
	" JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id"
	" WHERE l.account_id = $1 AND l.site_id = $2 AND p.pool = $3 AND " LICENSE_RUNS_AT("$4")
	"))::bigint AS uncovered",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);

/* How many units are needed at the site beyond those it has */
static int64
uncovered(const Grant *grant)
{
	RUN(coverage_uncovered, arg_int64(grant->site->account_id), arg_int64(grant->site->site_id),
		arg_text(grant->site->type), arg_time(grant->at));
	return field_int64("uncovered");
}

/* Reports the units; those with the same action and end as the units before them are added up. */
static void
note_change(Grant *grant, int32 quantity, bool added, TimestampTz ends_at)
{
	CoverageChange *change = grant->changes == NIL ? NULL : llast(grant->changes);

	if (change == NULL || change->added != added || change->ends_at != ends_at)
	{
		change = palloc0_object(CoverageChange);
		change->added = added;
		change->open_ended = grant->open_ended;
		change->ends_at = ends_at;
		grant->changes = lappend(grant->changes, change);
	}
	change->quantity += quantity;
}

static void
add_units(Grant *grant, int32 quantity)
{
	Lot		   *lot = new_lot(0, quantity, grant->at);

	if (!grant->open_ended)
	{
		lot->terms = 1;
		lot->end = add_terms(grant, grant->at, 1);
	}
	note_change(grant, quantity, true, lot->end);
	grant->lots = lappend(grant->lots, lot);
}

static Lot *
earliest_ending(List *lots)
{
	Lot		   *earliest = linitial(lots);
	ListCell   *cell;

	foreach(cell, lots)
	{
		Lot		   *lot = lfirst(cell);

		if (lot->end < earliest->end)
			earliest = lot;
	}
	return earliest;
}

/* Moves some units of a lot to a new lot, because only they are prolonged. */
static Lot *
split_lot(Grant *grant, Lot *lot, int32 units)
{
	Lot		   *part = palloc_object(Lot);

	*part = *lot;
	part->units = units;
	lot->units -= units;
	grant->lots = lappend(grant->lots, part);
	return part;
}

static void
extend_units(Grant *grant, int32 quantity)
{
	while (quantity > 0)
	{
		Lot		   *lot = earliest_ending(grant->lots);
		int32		units = Min(quantity, lot->units);

		CHECK_FOR_INTERRUPTS();
		if (units < lot->units)
			lot = split_lot(grant, lot, units);
		lot->terms++;
		lot->end = add_terms(grant, lot->start, lot->terms);
		note_change(grant, units, false, lot->end);
		quantity -= units;
	}
}

/* Covers first what needs a licence; prolongs with the rest, unless there is nothing to prolong. */
static void
distribute(Grant *grant, int32 quantity)
{
	int32		added = (int32) Min((int64) quantity, uncovered(grant));

	if (!grant->open_ended)
		grant->lots = running_lots(grant);
	if (grant->open_ended || (grant->lots == NIL && added == 0))
		added = quantity;
	if (added > 0)
		add_units(grant, added);
	extend_units(grant, quantity - added);
}

static void
write_license_event(const Grant *grant, int64 license_id, const Lot *lot)
{
	char	   *origin = lot->license_id == 0 ? "" :
		psprintf(", \"split_from\": " INT64_FORMAT, lot->license_id);

	event_write(grant->site->account_id, "license", license_id, operation_name(), NULL,
				psprintf("{\"quantity\": %d%s}", lot->units, origin));
}

static Statement coverage_license_new = STATEMENT(
	"INSERT INTO license.license (account_id, site_id, sku, status, term, start_rule, starts_at, ends_at,"
	" modules, auto_renew, created_at)"
	" SELECT $1, $2, sku, 'in_use', term, 'immediate', $4, $5, modules, $6, $4"
	" FROM license.offer WHERE sku = $3 RETURNING license_id",
	INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID);

static Statement coverage_pool_new = STATEMENT(
	"INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES ($1, $2, $3, $4)",
	INT8OID, INT8OID, TEXTOID, INT4OID);

static void
write_new(const Grant *grant, const Lot *lot)
{
	const Site *site = grant->site;
	int64		license_id;

	RUN(coverage_license_new, arg_int64(site->account_id), arg_int64(site->site_id),
		arg_text(grant->sku), arg_time(grant->at),
		grant->open_ended ? arg_null() : arg_time(lot->end), arg_bool(site->auto_renew));
	license_id = field_int64("license_id");
	RUN(coverage_pool_new, arg_int64(site->account_id), arg_int64(license_id),
		arg_text(site->type), arg_int32(lot->units));
	write_license_event(grant, license_id, lot);
}

static Statement coverage_license_split = STATEMENT(
	"INSERT INTO license.license (account_id, site_id, sku, status, term, payment_form, start_rule,"
	" starts_at, ends_at, partner_id, distributor_id, modules, base_module, auto_renew, created_at)"
	" SELECT account_id, site_id, sku, status, term, payment_form, start_rule,"
	" starts_at, $3, partner_id, distributor_id, modules, base_module, auto_renew, $4"
	" FROM license.license WHERE account_id = $1 AND license_id = $2 RETURNING license_id",
	INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

static Statement coverage_seats_split = STATEMENT(
	"UPDATE license.seat SET license_id = $5 WHERE account_id = $1 AND seat_id IN"
	" (SELECT seat_id FROM license.seat WHERE account_id = $1 AND license_id = $2 AND pool = $3"
	" ORDER BY acquired_at DESC, seat_id DESC LIMIT (SELECT greatest(0, in_use - maximum + $4)"
	" FROM license.license_pool WHERE account_id = $1 AND license_id = $2 AND pool = $3))",
	INT8OID, INT8OID, TEXTOID, INT4OID, INT8OID);

static Statement coverage_pool_lower = STATEMENT(
	"UPDATE license.license_pool SET maximum = maximum - $4"
	" WHERE account_id = $1 AND license_id = $2 AND pool = $3",
	INT8OID, INT8OID, TEXTOID, INT4OID);

/* Writes a part of a licence as a new licence, and moves the seats for which the old one has no room left. */
static void
write_split(const Grant *grant, const Lot *lot)
{
	const Site *site = grant->site;
	NullableDatum account_id = arg_int64(site->account_id);
	NullableDatum origin = arg_int64(lot->license_id);
	NullableDatum units = arg_int32(lot->units);
	NullableDatum pool = arg_text(site->type);
	int64		license_id;

	RUN(coverage_license_split, account_id, origin, arg_time(lot->end), arg_time(grant->at));
	license_id = field_int64("license_id");
	RUN(coverage_pool_new, account_id, arg_int64(license_id), pool, units);
	RUN(coverage_seats_split, account_id, origin, pool, units, arg_int64(license_id));
	RUN(coverage_pool_lower, account_id, origin, pool, units);
	write_license_event(grant, license_id, lot);
}

/* Is it what stays of the licence?  The first lot of a licence is, later ones are split off. */
static bool
is_own_lot(const Grant *grant, const Lot *lot)
{
	ListCell   *cell;

	foreach(cell, grant->lots)
	{
		const Lot  *other = lfirst(cell);

		if (other->license_id == lot->license_id)
			return other == lot;
	}
	return false;
}

static Statement coverage_license_extend = STATEMENT(
	"UPDATE license.license SET ends_at = $3 WHERE account_id = $1 AND license_id = $2",
	INT8OID, INT8OID, TIMESTAMPTZOID);

static void
write_lot(const Grant *grant, const Lot *lot)
{
	if (lot->license_id == 0)
		write_new(grant, lot);
	else if (!is_own_lot(grant, lot))
		write_split(grant, lot);
	else if (lot->terms > 0)
		RUN(coverage_license_extend, arg_int64(grant->site->account_id),
			arg_int64(lot->license_id), arg_time(lot->end));
}

List *
coverage_grant(const Site *site, const char *sku, int32 quantity, TimestampTz at)
{
	Grant		grant = {.site = site, .sku = sku, .at = at};
	ListCell   *cell;

	check_offer(&grant);
	distribute(&grant, quantity);
	foreach(cell, grant.lots)
	{
		CHECK_FOR_INTERRUPTS();
		write_lot(&grant, lfirst(cell));
	}
	return grant.changes;
}

void
coverage_return_changes(FunctionCallInfo fcinfo, List *changes)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, changes)
	{
		const CoverageChange *change = lfirst(cell);
		Datum		values[3];
		bool		nulls[3] = {false, false, change->open_ended};

		values[0] = Int32GetDatum(change->quantity);
		values[1] = CStringGetTextDatum(change->added ? "added" : "extended");
		values[2] = TimestampTzGetDatum(change->ends_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static Statement coverage_of_site = STATEMENT(
	"SELECT pg_catalog.sum(p.maximum)::integer, l.ends_at FROM license.site s"
	" JOIN license.license l ON l.account_id = s.account_id AND l.site_id = s.site_id"
	" JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id"
	" AND p.pool = coalesce(s.site_type, 'apartment')"
	" WHERE s.account_id = $1 AND s.site_id = $2 AND " LICENSE_RUNS_AT("$3")
	" GROUP BY l.ends_at HAVING pg_catalog.sum(p.maximum) > 0 ORDER BY l.ends_at",
	INT8OID, INT8OID, TIMESTAMPTZOID);

/*
 * license.site_coverage(account_id, site_id, at) → SETOF (quantity, ends_at)
 *		Lists the units of the site that are valid at that moment, grouped by
 *		their end: devices at a site of that type, else apartments.
 *		Errors: 23503, 22004.
 */
Datum
license_site_coverage(PG_FUNCTION_ARGS)
{
	Operation	op;

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	operation_begin(&op, fcinfo, OP_SITE_COVERAGE, moment_argument(fcinfo, 2));
	site_require_existing(PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	RUN(coverage_of_site, arg_passed(fcinfo, 0), arg_passed(fcinfo, 1), arg_time(operation_at()));
	return_rows(fcinfo);
	operation_end(&op);
	return (Datum) 0;
}
