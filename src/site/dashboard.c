/*
 * dashboard.c
 *		The numbers of a site behind license.site_dashboard.
 *
 * One statement over the five tables spent most of its time on starting
 * executor nodes, and its kept plan depended on the number of licences of the
 * account.  So this reads the five tables itself, by index, in the snapshot of
 * the caller's statement and with the caller's privileges.
 */
#include "core/extension.h"

#include "access/access.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "core/function.h"
#include "core/row.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(license_site_numbers);

/* The family that is recommended before every other */
#define FIRST_FAMILY "9137958"

typedef struct SiteNumbers
{
	NullableDatum keys[2];		/* account and site */
	Datum		unit;			/* paid for at the site: apartment or device */
	bool		per_device;
	Datum		region;
	int64		apartments;
	int64		requiring;		/* apartments with a paid device */
	int64		paid;			/* devices */
	int64		unassigned;		/* devices */
	int64		held;			/* units valid now */
	text	   *sku;			/* recommended; NULL: nothing fits */
	int			rank;			/* of that offer, the lowest is the best */
} SiteNumbers;

/* Raises 42501 unless the caller may read the table. */
static void
open_readable(Rows *rows, const char *table, const char *index)
{
	AclResult	allowed;

	rows_open(rows, table, index);
	allowed = pg_class_aclcheck(RelationGetRelid(rows->rel), GetUserId(), ACL_SELECT);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_TABLE, table);
}

static bool
is_text(Datum value, const char *wanted)
{
	text	   *found = DatumGetTextPP(value);

	return VARSIZE_ANY_EXHDR(found) == strlen(wanted) &&
		memcmp(VARDATA_ANY(found), wanted, VARSIZE_ANY_EXHDR(found)) == 0;
}

static bool
is_same(Datum a, Datum b)
{
	return DatumGetBool(DirectFunctionCall2Coll(texteq, DEFAULT_COLLATION_OID, a, b));
}

static void
count_apartments(SiteNumbers *site)
{
	Rows		rows;
	AttrNumber	seats_used;

	open_readable(&rows, "apartment", "apartment_site_key");
	seats_used = rows_column(&rows, "seats_used");
	rows_find(&rows, site->keys, 2);
	while (rows_next(&rows))
	{
		bool		isnull;
		int32		used = DatumGetInt32(slot_getattr(rows.slot, seats_used, &isnull));

		site->apartments++;
		site->requiring += used > 0;
		site->paid += used;
	}
	rows_close(&rows);
}

/* Counts the devices without an apartment; count_apartments() has counted the others. */
static void
count_unassigned(SiteNumbers *site)
{
	NullableDatum keys[3] = {site->keys[0], site->keys[1], {.isnull = true}};
	Rows		rows;
	AttrNumber	seats;
	AttrNumber	kind;
	bool		isnull;

	open_readable(&rows, "device", "device_apartment_idx");
	seats = rows_column(&rows, "seats");
	kind = rows_column(&rows, "kind");
	rows_find(&rows, keys, 3);
	while (rows_next(&rows))
	{
		site->paid += DatumGetInt32(slot_getattr(rows.slot, seats, &isnull));
		site->unassigned += !is_text(slot_getattr(rows.slot, kind, &isnull), "intercom");
	}
	rows_close(&rows);
}

typedef struct LicenseColumns
{
	AttrNumber	license_id;
	AttrNumber	status;
	AttrNumber	starts_at;
	AttrNumber	ends_at;
} LicenseColumns;

static bool
is_valid_now(const Rows *rows, const LicenseColumns *columns)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	bool		isnull;
	bool		open_end;
	TimestampTz ends_at;

	if (!is_text(slot_getattr(rows->slot, columns->status, &isnull), "in_use"))
		return false;
	ends_at = DatumGetTimestampTz(slot_getattr(rows->slot, columns->ends_at, &open_end));
	return DatumGetTimestampTz(slot_getattr(rows->slot, columns->starts_at, &isnull)) <= now &&
		(open_end || now < ends_at);
}

static int64
count_units(Rows *pools, const SiteNumbers *site, Datum license_id)
{
	NullableDatum keys[3] = {site->keys[0], {.value = license_id}, {.value = site->unit}};
	bool		isnull;

	if (pools->rel == NULL)
		open_readable(pools, "license_pool", "license_pool_pkey");
	rows_find(pools, keys, 3);
	if (!rows_next(pools))
		return 0;
	return DatumGetInt32(slot_getattr(pools->slot, rows_column(pools, "maximum"), &isnull));
}

static void
count_held(SiteNumbers *site)
{
	Rows		rows;
	Rows		pools = {.rel = NULL};
	LicenseColumns columns;
	bool		isnull;

	open_readable(&rows, "license", "license_site_idx");
	columns.license_id = rows_column(&rows, "license_id");
	columns.status = rows_column(&rows, "status");
	columns.starts_at = rows_column(&rows, "starts_at");
	columns.ends_at = rows_column(&rows, "ends_at");
	rows_find(&rows, site->keys, 2);
	while (rows_next(&rows))
	{
		if (is_valid_now(&rows, &columns))
			site->held += count_units(&pools, site, slot_getattr(rows.slot, columns.license_id, &isnull));
	}
	if (pools.rel != NULL)
		rows_close(&pools);
	rows_close(&rows);
}

typedef struct OfferColumns
{
	AttrNumber	sku;
	AttrNumber	family;
	AttrNumber	unit;
	AttrNumber	term;
	AttrNumber	trial;
	AttrNumber	audience;
	AttrNumber	start_rule;
	AttrNumber	min_quantity;
	AttrNumber	regions;
} OfferColumns;

static OfferColumns
offer_columns(const Rows *rows)
{
	OfferColumns columns = {
		.sku = rows_column(rows, "sku"),
		.family = rows_column(rows, "family"),
		.unit = rows_column(rows, "unit"),
		.term = rows_column(rows, "term"),
		.trial = rows_column(rows, "trial"),
		.audience = rows_column(rows, "audience"),
		.start_rule = rows_column(rows, "start_rule"),
		.min_quantity = rows_column(rows, "min_quantity"),
		.regions = rows_column(rows, "regions"),
	};

	return columns;
}

/* Can a single unit of it be bought by everybody, to run at once and for a time? */
static bool
is_on_sale(const Rows *rows, const OfferColumns *columns, const SiteNumbers *site)
{
	bool		isnull;

	return is_same(slot_getattr(rows->slot, columns->unit, &isnull), site->unit) &&
		is_text(slot_getattr(rows->slot, columns->audience, &isnull), "public") &&
		is_text(slot_getattr(rows->slot, columns->start_rule, &isnull), "immediate") &&
		DatumGetInt32(slot_getattr(rows->slot, columns->min_quantity, &isnull)) == 1 &&
		!DatumGetBool(slot_getattr(rows->slot, columns->trial, &isnull)) &&
		!slot_attisnull(rows->slot, columns->term);
}

/* The family of the product comes first; within a family, offers for certain regions come before those for all. */
static int
offer_rank(const Rows *rows, const OfferColumns *columns)
{
	bool		isnull;
	Datum		family = slot_getattr(rows->slot, columns->family, &isnull);
	int			rank = isnull ? 4 : is_text(family, FIRST_FAMILY) ? 0 : 2;

	return rank + slot_attisnull(rows->slot, columns->regions);
}

static bool
is_sold_in(const Rows *rows, const OfferColumns *columns, Datum region)
{
	bool		anywhere;
	Datum		regions = slot_getattr(rows->slot, columns->regions, &anywhere);

	return anywhere || array_has_text(regions, DatumGetTextPP(region));
}

static bool
is_before(const text *sku, const text *other)
{
	return varstr_cmp(VARDATA_ANY(sku), VARSIZE_ANY_EXHDR(sku),
					  VARDATA_ANY(other), VARSIZE_ANY_EXHDR(other), DEFAULT_COLLATION_OID) < 0;
}

static void
recommend(SiteNumbers *site)
{
	Rows		rows;
	OfferColumns columns;

	open_readable(&rows, "offer", NULL);
	columns = offer_columns(&rows);
	while (rows_next(&rows))
	{
		bool		isnull;
		Datum		sku = slot_getattr(rows.slot, columns.sku, &isnull);
		int			rank;

		if (!is_on_sale(&rows, &columns, site) || !is_sold_in(&rows, &columns, site->region))
			continue;
		rank = offer_rank(&rows, &columns);
		if (site->sku != NULL &&
			(rank > site->rank || (rank == site->rank && !is_before(DatumGetTextPP(sku), site->sku))))
			continue;
		site->sku = DatumGetTextPCopy(sku);
		site->rank = rank;
	}
	rows_close(&rows);
}

static Datum
integer(int64 number)
{
	if (number > PG_INT32_MAX)
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("integer out of range"));
	return Int32GetDatum((int32) number);
}

static Datum
order_text(int64 quantity, const text *sku)
{
	return CStringGetTextDatum(psprintf(INT64_FORMAT "x %s", quantity, text_to_cstring(sku)));
}

static Datum
site_numbers_row(FunctionCallInfo fcinfo, const SiteNumbers *site)
{
	int64		needed = site->per_device ? site->paid : site->requiring;
	int64		missing = Max(needed - site->held, 0);
	bool		nulls[9] = {[4] = site->sku == NULL, [5] = site->sku == NULL || missing == 0};
	Datum		values[9] = {
		integer(site->apartments),
		integer(site->requiring),
		integer(site->held),
		integer(missing),
		PointerGetDatum(site->sku),
		nulls[5] ? (Datum) 0 : order_text(missing, site->sku),
		integer(site->paid),
		integer(site->unassigned),
		integer(Min(needed, site->held)),
	};

	return form_result_row(fcinfo, values, nulls);
}

/*
 * Do the policies of row-level security show the account to the caller?  They
 * are the same for all tables read here.
 */
static bool
is_visible(FunctionCallInfo fcinfo)
{
	return check_enable_rls(relation_of_ours("apartment"), InvalidOid, false) != RLS_ENABLED ||
		access_role_has(GetUserId(), READING_LEVELS, PG_GETARG_INT64(0));
}

/*
 * license._site_numbers(account_id, site_id, site_type, region) → record
 *		The numbers of license.site_dashboard for one site.
 *		Errors: 22003, 22004, 42501.
 */
Datum
license_site_numbers(PG_FUNCTION_ARGS)
{
	SiteNumbers site = {0};

	require_argument(fcinfo, 0, "account_id");
	require_argument(fcinfo, 1, "site_id");
	require_argument(fcinfo, 3, "region");
	site.keys[0].value = PG_GETARG_DATUM(0);
	site.keys[1].value = PG_GETARG_DATUM(1);
	site.unit = PG_ARGISNULL(2) ? CStringGetTextDatum("apartment") : PG_GETARG_DATUM(2);
	site.per_device = is_text(site.unit, "device");
	site.region = PG_GETARG_DATUM(3);
	if (is_visible(fcinfo))
	{
		count_apartments(&site);
		count_unassigned(&site);
		count_held(&site);
	}
	recommend(&site);
	return site_numbers_row(fcinfo, &site);
}
