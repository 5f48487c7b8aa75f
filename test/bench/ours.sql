-- Our tables: sites of 40 apartments with a licence each, one pool of 10000 seats and devices that may
-- take them, and a platform site that reports connections. :apartments
SET client_min_messages = warning;
SELECT setseed(0.5);

INSERT INTO license.account (account_id, kind, name) VALUES (1, 'provider', 'Bench');
INSERT INTO license.site (account_id, site_id, name)
    SELECT 1, i, 'site ' || i FROM generate_series(1, (:apartments + 39) / 40) i;
INSERT INTO license.apartment (account_id, apartment_id, site_id, name, seat_limit)
    SELECT 1, i, 1 + (i - 1) / 40, 'apartment ' || i, 1000 FROM generate_series(1, :apartments) i;
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term)
    SELECT 1, 1000 + i, '9137958', i, 'in_use', now() - interval '1 day', now() + interval '300 days', '1 year'
    FROM generate_series(1, (:apartments + 39) / 40) i;
INSERT INTO license.license_pool (account_id, license_id, pool, maximum)
    SELECT 1, 1000 + i, 'apartment', 40 FROM generate_series(1, (:apartments + 39) / 40) i;

-- licence 1 has the hot pool; the pool of licence 3 is full, so that no seat table is ever empty
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at)
    SELECT 1, i, 'COUNT-ANNUAL', 'in_use', now() - interval '1 day', now() + interval '1 year' FROM unnest('{1,3}'::bigint[]) i;
INSERT INTO license.license_pool (account_id, license_id, pool, maximum)
    SELECT 1, i, 'device', 10000 FROM unnest('{1,3}'::bigint[]) i;
INSERT INTO license.device (account_id, device_id, device_code)
    SELECT 1, 100000000 + i, 'p' || i FROM generate_series(1, 20000) i;
INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id)
    SELECT 1, 100000000 + i, 3, 'device', 100000000 + i FROM generate_series(1, 10000) i;
CREATE SEQUENCE public.turn CACHE 50;

INSERT INTO license.site (account_id, site_id, name) VALUES (1, 2000000000, 'platform');
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term, modules)
    VALUES (1, 2, 'OCTOPUS', 2000000000, 'in_use', now() - interval '1 day', now() + interval '1 year', '1 year', '{guest}');
VACUUM ANALYZE;
