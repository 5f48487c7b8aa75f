-- The same tables without our rules. Schema floor: a device has none beyond the foreign keys, the other tables
-- their checks. Schema twin: what a careful user would write in plpgsql. In both a device refers to its account,
-- its site and its apartment, as anyone would write it. Schema bare: our very tables, checks and generated
-- columns included, without their triggers.
SET client_min_messages = warning;
CREATE SCHEMA floor;
CREATE SCHEMA twin;
CREATE SCHEMA bare;
SELECT format('CREATE TABLE %s.%s (LIKE license.%2$s INCLUDING ALL)%s', s, relname,
    ' WITH (' || array_to_string(reloptions, ', ') || ')')
FROM pg_class, unnest('{floor,twin,bare}'::text[]) s
WHERE relnamespace = 'license'::regnamespace AND relname IN ('apartment', 'device', 'license_pool', 'seat')
\gexec
SELECT format('ALTER TABLE %s.device DROP COLUMN seats,
    DROP CONSTRAINT device_kind_check, DROP CONSTRAINT device_mode_check', s)
FROM unnest('{floor,twin}'::text[]) s
\gexec
ALTER TABLE floor.device DROP CONSTRAINT device_code_check, DROP CONSTRAINT device_apartment_check,
    ADD COLUMN seats integer NOT NULL DEFAULT 1;
ALTER TABLE twin.device ADD COLUMN seats integer NOT NULL GENERATED ALWAYS AS
        (CASE WHEN mode = 'cloud' AND kind IN ('phone', 'tablet', 'third_party') THEN 1 ELSE 0 END) STORED,
    ADD CONSTRAINT device_kind_check CHECK (kind IN ('intercom', 'answering_unit', 'phone', 'tablet', 'third_party', 'access_point')),
    ADD CONSTRAINT device_mode_check CHECK (mode IN ('cloud', 'local'));

-- all hold as much from the start, so that all are planned for alike
SELECT format('INSERT INTO %s.%s (%3$s) SELECT %3$s FROM license.%2$s', s, t,
    string_agg(quote_ident(attname), ', ') FILTER (WHERE attgenerated = ''))
FROM unnest('{floor,twin,bare}'::text[]) s, unnest('{apartment,device,license_pool,seat}'::text[]) t
JOIN pg_attribute ON attrelid = ('license.' || t)::regclass AND attnum > 0 AND NOT attisdropped
GROUP BY s, t
\gexec

-- their foreign keys lead to each other where they have the table
SELECT format('ALTER TABLE %s.%s ADD CONSTRAINT %I %s', s, relname, conname,
    regexp_replace(pg_get_constraintdef(o.oid), 'license\.(apartment|device|license_pool)\M', s || '.\1', 'g'))
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid, unnest('{floor,twin,bare}'::text[]) s
WHERE contype = 'f' AND conrelid IN ('license.device'::regclass, 'license.seat'::regclass)
ORDER BY s, relname, conname
\gexec

-- the twin of a device: lock, count, raise
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

-- the twin of a seat: a conditional counter update, then the insert
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

SELECT 'CREATE ROLE bench_service' WHERE to_regrole('bench_service') IS NULL
\gexec
SELECT license.grant_access('bench_service', 'service');
GRANT SELECT ON public.some_key TO bench_service;
GRANT USAGE ON SEQUENCE public.turn TO bench_service;
VACUUM ANALYZE;
CHECKPOINT;

-- Rooms and guests: tables of the user with a seat limit of ours, with the twin's, with none. A page of rooms
-- has place for the second version that a bulk load makes of each, as who counts in them would see to.
CREATE SCHEMA counted;
CREATE FUNCTION pg_temp.make_hotel(schema text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I.room (room_id bigint PRIMARY KEY, places integer NOT NULL, used integer NOT NULL DEFAULT 0) WITH (fillfactor = 50)', schema);
    EXECUTE format('CREATE TABLE %1$I.guest (guest_id bigint PRIMARY KEY, room_id bigint NOT NULL CONSTRAINT guest_room_fkey REFERENCES %1$I.room, name text NOT NULL)', schema);
    EXECUTE format('CREATE INDEX ON %I.guest (room_id)', schema);
    EXECUTE format('INSERT INTO %I.room (room_id, places) SELECT apartment_id, 10 FROM license.apartment', schema);
END $$;
SELECT pg_temp.make_hotel(s) FROM unnest('{counted,twin,floor}'::text[]) s;
SELECT license.attach_seat_limit('counted.guest', 'guest_room_fkey', 'used', 'places');
CREATE FUNCTION twin.count_guests() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer;
    taken integer;
BEGIN
    SELECT places INTO most FROM twin.room WHERE room_id = NEW.room_id FOR UPDATE;
    SELECT count(*) INTO taken FROM twin.guest WHERE room_id = NEW.room_id;
    IF taken >= most THEN
        RAISE EXCEPTION 'seat limit of room % exceeded', NEW.room_id USING ERRCODE = 'LX001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER count_guests BEFORE INSERT OR UPDATE OF room_id ON twin.guest FOR EACH ROW EXECUTE FUNCTION twin.count_guests();
VACUUM ANALYZE counted.room, twin.room, floor.room;
