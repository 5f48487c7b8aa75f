-- Growth: a device in every apartment, and :seats leased seats in full pools of 10000. Counters are written
-- along with the rows, triggers are off; what they would have counted is checked at the end.
SET client_min_messages = warning;
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO license.device (account_id, device_id, site_id, apartment_id, device_code)
    SELECT 1, 200000000 + i, 1 + (i - 1) / 40, i, 'd' || i FROM generate_series(1, :apartments) i;
UPDATE license.apartment SET seats_used = 1;
SELECT format('INSERT INTO license.license (license_id, key, %1$s)
    SELECT 5000000 + i, license.generate_key(), %1$s FROM generate_series(0, (%2$s - 1) / 10000) i,
        (SELECT %1$s FROM license.license WHERE account_id = 1 AND license_id = 3) t',
    string_agg(quote_ident(attname), ', '), :seats)
FROM pg_attribute
WHERE attrelid = 'license.license'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{license_id,key}')
\gexec
INSERT INTO license.license_pool (account_id, license_id, pool, maximum, in_use)
    SELECT 1, 5000000 + i, 'device', 10000, least(10000, :seats - 10000 * i) FROM generate_series(0, (:seats - 1) / 10000) i;
INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id, lease, expires_at)
    SELECT 1, 200000000 + i, 5000000 + (i - 1) / 10000, 'device', 100000001 + (i - 1) % 10000, '1 day', now() + interval '1 day'
    FROM generate_series(1, :seats) i;
COMMIT;
RESET session_replication_role;
SELECT 1 / CASE WHEN count(*) = 0 THEN 1 ELSE 0 END AS counted FROM license.check_seats();
VACUUM FULL license.apartment;
VACUUM ANALYZE;
CHECKPOINT;
