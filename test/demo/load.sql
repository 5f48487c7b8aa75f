-- Ids of the imported rows are below 10000; the next ones come after them.
SELECT setval('license.id_seq', 10000) \g /dev/null

-- The hotel's contract ends in seven days less an hour, by the clock on its wall: notice 3 is due.
INSERT INTO license.license
    (account_id, license_id, sku, site_id, status, term, payment_form, starts_at, ends_at, partner_id, distributor_id, modules)
SELECT 20, id, 'OCTOPUS', site, 'in_use', term, 'annual', ends_at - term, ends_at, 3, 2, modules
FROM (VALUES
    (5001, 1011, interval '1 year', (now() AT TIME ZONE 'Europe/Zurich' + interval '7 days -1 hour') AT TIME ZONE 'Europe/Zurich',
        '{guest,business}'::text[]),
    (5002, 1013, interval '3 years', now() + interval '2 years 4 months', '{guest}')
) AS contract (id, site, term, ends_at, modules);

INSERT INTO license.license (account_id, license_id, sku, status, term, starts_at, ends_at) VALUES
    (31, 5003, 'C2TU1', 'in_use', '1 year', now() - interval '3 months', now() + interval '9 months'),
    (40, 5004, 'COUNT-ANNUAL', 'in_use', '1 year', now() - interval '5 months', now() + interval '7 months');

INSERT INTO license.license_pool (account_id, license_id, pool, maximum) VALUES
    (20, 5001, 'room', 120),
    (20, 5002, 'access_point', 20),
    (31, 5003, 'user', 40),
    (40, 5004, 'device', 2),
    (40, 5004, 'floating_device', 1);

INSERT INTO license.seat (account_id, license_id, pool, units, site_id) VALUES
    (20, 5001, 'room', 112, 1011),
    (20, 5002, 'access_point', 8, 1013);

INSERT INTO license.seat (account_id, seat_id, license_id, pool, device_id, acquired_at, last_seen_at) VALUES
    (40, 6001, 5004, 'device', 3148, now() - interval '5 months', now()),
    (40, 6002, 5004, 'device', 3149, now() - interval '5 months', now()),
    (40, 6003, 5004, 'floating_device', 3150, now() - interval '6 hours', now() - interval '3 hours');

-- Two residents of the old building have the app open, its owner the portal.
INSERT INTO license.session (account_id, user_id, channel, started_at)
SELECT 10, user_id, 'app', now() - interval '2 days'
FROM license.account_user
WHERE account_id = 10 AND email IN ('simona.benes@mail.example', 'roman.hajek@mail.example');
INSERT INTO license.session (account_id, user_id, channel) VALUES (10, 4001, 'portal');
