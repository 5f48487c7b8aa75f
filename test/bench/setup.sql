-- The data of the benchmark: our tables, the same tables with no rule beyond the foreign keys (schema
-- floor), and the same tables with the triggers a careful user would write in plpgsql (schema twin).
\set QUIET on
SET client_min_messages = warning;
SELECT setseed(0.5);

INSERT INTO license.account (account_id, kind, name) VALUES (1, 'provider', 'Bench');
INSERT INTO license.site (account_id, site_id, name)
    SELECT 1, i, 'site ' || i FROM generate_series(1, greatest(1, :apartments / 40)) i;
INSERT INTO license.site (account_id, site_id, name) VALUES (1, 2000000000, 'platform');
INSERT INTO license.apartment (account_id, apartment_id, site_id, name, seat_limit)
    SELECT 1, i, 1 + (i - 1) / 40, 'apartment ' || i, 1000 FROM generate_series(1, :apartments) i;

CREATE SCHEMA floor;
CREATE SCHEMA twin;
CREATE TABLE floor.apartment (LIKE license.apartment INCLUDING ALL) WITH (fillfactor = 80);
CREATE TABLE twin.apartment (LIKE license.apartment INCLUDING ALL) WITH (fillfactor = 80);
CREATE TABLE floor.device (LIKE license.device INCLUDING ALL) WITH (fillfactor = 90);
CREATE TABLE twin.device (LIKE license.device INCLUDING ALL) WITH (fillfactor = 90);
INSERT INTO floor.apartment SELECT * FROM license.apartment;
INSERT INTO twin.apartment SELECT * FROM license.apartment;
ALTER TABLE floor.device
    ADD FOREIGN KEY (account_id) REFERENCES license.account,
    ADD FOREIGN KEY (account_id, site_id) REFERENCES license.site,
    ADD FOREIGN KEY (account_id, site_id, apartment_id) REFERENCES floor.apartment (account_id, site_id, apartment_id);
ALTER TABLE twin.device
    ADD FOREIGN KEY (account_id) REFERENCES license.account,
    ADD FOREIGN KEY (account_id, site_id) REFERENCES license.site,
    ADD FOREIGN KEY (account_id, site_id, apartment_id) REFERENCES twin.apartment (account_id, site_id, apartment_id);

-- the twin: lock, count, raise
CREATE FUNCTION twin.count_seats() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer;
    used integer;
BEGIN
    IF NEW.apartment_id IS NULL OR NEW.mode <> 'cloud' OR NEW.kind NOT IN ('phone', 'tablet', 'third_party') THEN
        RETURN NEW;
    END IF;
    SELECT seat_limit INTO most FROM twin.apartment
        WHERE account_id = NEW.account_id AND site_id = NEW.site_id AND apartment_id = NEW.apartment_id FOR UPDATE;
    SELECT count(*) INTO used FROM twin.device
        WHERE account_id = NEW.account_id AND site_id = NEW.site_id AND apartment_id = NEW.apartment_id AND seats = 1;
    IF used >= most THEN
        RAISE EXCEPTION 'seat limit of apartment % exceeded', NEW.apartment_id USING ERRCODE = 'LX001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER count_seats BEFORE INSERT OR UPDATE OF apartment_id, site_id, kind, mode ON twin.device
    FOR EACH ROW EXECUTE FUNCTION twin.count_seats();

CREATE SEQUENCE public.turn CACHE 50;

-- one pool of 10000 seats, and as many devices
INSERT INTO license.license (account_id, license_id, sku, status, starts_at, ends_at)
    VALUES (1, 1, 'COUNT-ANNUAL', 'in_use', now() - interval '1 day', now() + interval '1 year');
INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES (1, 1, 'device', 10000);
INSERT INTO license.device (account_id, device_id, device_code)
    SELECT 1, 100000000 + i, 'p' || i FROM generate_series(1, 20000) i;
-- all three device tables hold as much from the start, so that all are planned for alike
INSERT INTO twin.device (account_id, device_id, device_code) SELECT account_id, device_id, device_code FROM license.device;
INSERT INTO floor.device (account_id, device_id, device_code) SELECT account_id, device_id, device_code FROM license.device;
CREATE TABLE twin.license_pool (LIKE license.license_pool INCLUDING ALL) WITH (fillfactor = 50);
CREATE TABLE twin.seat (LIKE license.seat INCLUDING ALL) WITH (fillfactor = 80);
CREATE TABLE floor.seat (LIKE license.seat INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO twin.license_pool VALUES (1, 1, 'device', 10000, 0);
ALTER TABLE twin.seat
    ADD FOREIGN KEY (account_id, license_id, pool) REFERENCES twin.license_pool,
    ADD FOREIGN KEY (account_id, device_id) REFERENCES license.device;
-- what a careful user writes: the holder's own seat first, then a conditional counter update plus insert
CREATE FUNCTION twin.acquire(account bigint, license bigint, which text, device bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    UPDATE twin.license_pool SET in_use = in_use + 1
        WHERE account_id = account AND license_id = license AND pool = which AND in_use < maximum;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO twin.seat (account_id, license_id, pool, device_id) VALUES (account, license, which, device)
        RETURNING seat_id INTO taken;
    RETURN taken;
END $$;

-- many running licences, one of them at a platform site with connections
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term, sweep_at)
    SELECT 1, 10000000 + i, '9137958', 1, 'in_use', now() - interval '1 day', now() + interval '300 days', '1 year', now() + interval '270 days'
    FROM generate_series(1, :licenses) i;
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term, modules)
    VALUES (1, 2, 'OCTOPUS', 2000000000, 'in_use', now() - interval '1 day', now() + interval '1 year', '1 year', '{guest}');
CREATE TABLE public.some_key AS
    SELECT row_number() OVER () AS n, key::text AS key, license_id FROM license.license
    WHERE license_id > 10000000 AND license_id <= 10010000;
ALTER TABLE public.some_key ADD PRIMARY KEY (n), ADD COLUMN id text;
UPDATE public.some_key SET id = gen_random_uuid()::text;

CREATE ROLE bench_service;
SELECT license.grant_access('bench_service', 'service');
GRANT SELECT ON public.some_key TO bench_service;
GRANT USAGE ON SEQUENCE public.turn TO bench_service;

VACUUM ANALYZE;
CHECKPOINT;
