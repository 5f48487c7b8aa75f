-- What a site holds, needs and should order

CREATE FUNCTION license.site_coverage(account_id bigint, site_id bigint, at timestamptz DEFAULT now(),
    OUT quantity integer, OUT ends_at timestamptz)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE ROWS 5
AS 'MODULE_PATHNAME', 'license_site_coverage';
COMMENT ON FUNCTION license.site_coverage(bigint, bigint, timestamptz) IS
'Lists the units of a site that are valid at that moment, grouped by their end. Units are devices at a site of that type, else apartments. Levels: provider, distributor, partner, customer, reader. Errors: 23503 no such site, 22004.';

CREATE FUNCTION license._site_numbers(account_id bigint, site_id bigint, site_type text, region text,
    OUT apartments integer, OUT apartments_requiring_license integer, OUT licenses_held integer,
    OUT licenses_to_order integer, OUT ordering_number text, OUT order_text text,
    OUT paid_devices integer, OUT devices_unassigned integer, OUT licenses_covering integer)
RETURNS record LANGUAGE c STABLE PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'license_site_numbers';
COMMENT ON FUNCTION license._site_numbers(bigint, bigint, text, text) IS
'Computes the numbers of license.site_dashboard for one site of that type (NULL is apartment) and region. An account that row-level security hides from the caller counts as empty. Errors: 22003, 22004, 42501.';

CREATE VIEW license.site_dashboard WITH (security_invoker = true) AS
SELECT s.account_id, s.site_id, s.name AS site,
    n.apartments, n.apartments_requiring_license, n.licenses_held, n.licenses_to_order,
    n.ordering_number, n.order_text, n.paid_devices, n.devices_unassigned, n.licenses_covering
FROM license.site s
CROSS JOIN LATERAL license._site_numbers(s.account_id, s.site_id, s.site_type, s.region) n;
COMMENT ON VIEW license.site_dashboard IS 'Per site: how many units need a licence, how many it holds and what to order. A site without a type is shown as one of type apartment.';
COMMENT ON COLUMN license.site_dashboard.account_id IS 'The account that owns the site.';
COMMENT ON COLUMN license.site_dashboard.site_id IS 'Id of the site.';
COMMENT ON COLUMN license.site_dashboard.site IS 'Name of the site.';
COMMENT ON COLUMN license.site_dashboard.apartments IS 'Apartments of the site.';
COMMENT ON COLUMN license.site_dashboard.apartments_requiring_license IS 'Apartments with a cloud phone, tablet or third-party device.';
COMMENT ON COLUMN license.site_dashboard.licenses_held IS 'Units valid now.';
COMMENT ON COLUMN license.site_dashboard.licenses_to_order IS 'Units missing: apartments that require one, or paid devices at a site of type device, beyond those held.';
COMMENT ON COLUMN license.site_dashboard.ordering_number IS 'The offer recommended for the type and region of the site.';
COMMENT ON COLUMN license.site_dashboard.order_text IS 'What to order, such as 4x 9137958; NULL if nothing.';
COMMENT ON COLUMN license.site_dashboard.paid_devices IS 'Cloud phones, tablets and third-party devices of the site.';
COMMENT ON COLUMN license.site_dashboard.devices_unassigned IS 'Devices, other than intercoms, without an apartment.';
COMMENT ON COLUMN license.site_dashboard.licenses_covering IS 'Units that cover something now.';

CREATE VIEW license.apartment_overview WITH (security_invoker = true) AS
SELECT s.account_id, s.site_id, s.name AS site, a.apartment_id, a.name AS apartment,
    a.seats_used, a.seat_limit, a.needed > 0 AS requires_license,
    a.needed > 0 AND a.needed_so_far <= l.held AS covered
FROM license.site s
CROSS JOIN LATERAL (
    -- A join would be planned for the licences of the whole account when one of its sites has most of them.
    SELECT coalesce(sum((SELECT p.maximum FROM license.license_pool p
        WHERE p.account_id = l.account_id AND p.license_id = l.license_id
        AND p.pool = coalesce(s.site_type, 'apartment'))), 0)::integer AS held
    FROM license.license l
    WHERE l.account_id = s.account_id AND l.site_id = s.site_id
        AND l.status = 'in_use' AND l.starts_at <= now() AND (l.ends_at IS NULL OR now() < l.ends_at)) l
CROSS JOIN LATERAL (
    SELECT n.*, sum(n.needed) OVER (ORDER BY n.apartment_id) AS needed_so_far
    FROM (
        SELECT apartment_id, name, seats_used, seat_limit,
            CASE WHEN s.site_type = 'device' THEN seats_used ELSE least(seats_used, 1) END AS needed
        FROM license.apartment
        WHERE account_id = s.account_id AND site_id = s.site_id) n) a;
COMMENT ON VIEW license.apartment_overview IS 'Per apartment: its seats, whether it requires a licence and whether the units of its site cover it. No unit is bound to an apartment: units cover apartments in the order of their ids.';
COMMENT ON COLUMN license.apartment_overview.account_id IS 'The account that owns the site.';
COMMENT ON COLUMN license.apartment_overview.site_id IS 'The site of the apartment.';
COMMENT ON COLUMN license.apartment_overview.site IS 'Name of the site.';
COMMENT ON COLUMN license.apartment_overview.apartment_id IS 'Id of the apartment.';
COMMENT ON COLUMN license.apartment_overview.apartment IS 'Name of the apartment.';
COMMENT ON COLUMN license.apartment_overview.seats_used IS 'Paid devices it holds.';
COMMENT ON COLUMN license.apartment_overview.seat_limit IS 'Most paid devices it may hold; NULL is no limit.';
COMMENT ON COLUMN license.apartment_overview.requires_license IS 'Whether it holds a cloud phone, tablet or third-party device.';
COMMENT ON COLUMN license.apartment_overview.covered IS 'Whether it requires a licence and has one now.';

CREATE VIEW license.legacy_sites WITH (security_invoker = true) AS
SELECT account_id, site_id, name AS site, legacy_ends_at,
    floor(extract(epoch FROM legacy_ends_at - now()) / 86400)::integer AS days_left
FROM license.site
WHERE license_model = 'custom';
COMMENT ON VIEW license.legacy_sites IS 'Sites still on the old licence model, which must be migrated before its end.';
COMMENT ON COLUMN license.legacy_sites.account_id IS 'The account that owns the site.';
COMMENT ON COLUMN license.legacy_sites.site_id IS 'Id of the site.';
COMMENT ON COLUMN license.legacy_sites.site IS 'Name of the site.';
COMMENT ON COLUMN license.legacy_sites.legacy_ends_at IS 'End of the old licence.';
COMMENT ON COLUMN license.legacy_sites.days_left IS 'Whole days until then; negative once it has passed.';
