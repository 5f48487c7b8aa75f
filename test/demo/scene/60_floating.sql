\echo '## A seat that moves by itself'
\echo '# Cascade counts timber with two standard licences and a floating one. All three are taken; the phone'
\echo '# with the floating one has been silent for three hours, and the account moves seats after 20 minutes.'
SELECT account, type, total, standard, floating, assigned, unassigned, ends_at::date
FROM license.enterprise_overview
WHERE account_id = 40;

SELECT s.pool, d.device_code, d.kind, date_trunc('minute', now() - s.last_seen_at) AS idle
FROM license.seat s JOIN license.device d USING (account_id, device_id)
WHERE s.account_id = 40
ORDER BY s.seat_id;

\o /dev/null
SELECT license.set_password(40, 4027, 'larch-and-spruce');
\o
\echo '# The night shift takes a phone nobody has seen before and logs in:'
SELECT code, device_code, license_status
FROM license.login('licensing@cascade.example', 'night.shift@cascade.example', 'larch-and-spruce');

\set ECHO none
SELECT count(*) = 1 AS ok FROM license.seat s JOIN license.device d USING (account_id, device_id)
WHERE s.account_id = 40 AND s.pool = 'floating_device' AND d.device_code = '004' \gset
\i expect.sql
\echo '# The silent phone comes back a minute later: its seat is gone, and the new one is not idle.'
SELECT granted, code
FROM license.acquire_seat(40, 5004, 'floating_device', device_id => 3150, at => now() + interval '1 minute');
\echo '# Half an hour later the night shift has put its phone down. Each move is in the history:'
SELECT granted, code
FROM license.acquire_seat(40, 5004, 'floating_device', device_id => 3150, at => now() + interval '31 minutes');

SELECT action, new ->> 'reason' AS reason, old ->> 'device_id' AS from_device, new ->> 'device_id' AS to_device,
    new ->> 'idle_seconds' AS idle_seconds
FROM license.event
WHERE account_id = 40 AND subject = 'seat'
ORDER BY event_id;

\set ECHO none
SELECT (SELECT count(*) = 1 FROM license.seat WHERE account_id = 40 AND pool = 'floating_device' AND device_id = 3150)
    AND (SELECT count(*) = 1 FROM license.denial WHERE account_id = 40) AS ok \gset
\i expect.sql
