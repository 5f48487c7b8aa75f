-- Octopus: the life of a licence, O11 to O26, O44.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SET LOCAL search_path TO license, public, pg_temp;
SET LOCAL license_ext.actor TO 'tester';
SET LOCAL client_min_messages TO warning;

SELECT no_plan();

INSERT INTO account (account_id, name, time_zone) VALUES (1, 'Hotel chain', 'Europe/Madrid'), (2, 'Rival', 'UTC');
INSERT INTO site (account_id, site_id, name) VALUES (1, 10, 'North'), (1, 11, 'South'), (1, 12, 'West'), (1, 13, 'East'), (2, 20, 'Rival');
INSERT INTO site (account_id, site_id, name, license_model, legacy_ends_at) VALUES (1, 14, 'Old', 'custom', '2027-01-01');
INSERT INTO license (account_id, license_id, sku, key, term, modules) VALUES
    (1, 500, 'OCTOPUS', '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '1 year', '{guest}'),
    (1, 501, 'OCTOPUS', '00000-00000-00000-00000-1117J', '1 year', '{guest}');
INSERT INTO license (account_id, license_id, sku, term, modules) VALUES
    (1, 502, 'OCTOPUS', '1 year', '{guest}'), (1, 503, 'OCTOPUS', '1 year', '{guest}'),
    (2, 520, 'OCTOPUS', '1 year', '{guest}'), (1, 530, 'C2TU1', '1 year', '{}'), (1, 531, '02683-001', '1 year', '{}'),
    (1, 532, 'C2TUT', '30 days', '{}'), (1, 533, 'PARTNER-DEMO', NULL, '{}');

CREATE FUNCTION pg_temp.key(id bigint) RETURNS license_key LANGUAGE sql AS
'SELECT key FROM license.license WHERE license_id = id';
CREATE FUNCTION pg_temp.state(id bigint) RETURNS text LANGUAGE sql AS
'SELECT concat_ws('' '', status, starts_at AT TIME ZONE ''UTC'', ends_at AT TIME ZONE ''UTC'', reason) FROM license.license WHERE license_id = id';
CREATE FUNCTION pg_temp.mac(n integer) RETURNS macaddr LANGUAGE sql AS
$$SELECT ('02:00:00:00:00:' || lpad(to_hex(n), 2, '0'))::macaddr$$;

-- The five statuses and the ways between them

SELECT results_eq('SELECT from_status, to_status, operation FROM status_transitions() ORDER BY 1, 2',
    $$VALUES ('access_denied', 'contract_finalized', 'finalize'), ('access_denied', 'in_use', 'restore_access'),
        ('access_denied', 'pending_start', 'restore_access'), ('contract_finalized', 'in_use', 'renew'),
        ('in_use', 'access_denied', 'deny_access'), ('in_use', 'contract_finalized', 'finalize'),
        ('pending_provision', 'contract_finalized', 'finalize'), ('pending_provision', 'in_use', 'provision'),
        ('pending_provision', 'pending_start', 'provision'), ('pending_start', 'access_denied', 'deny_access'),
        ('pending_start', 'contract_finalized', 'finalize'), ('pending_start', 'in_use', 'record_connection')$$,
    'O16, O26: the changes of status are exactly these');
SELECT throws_ok($$UPDATE license SET status = 'paused' WHERE license_id = 500$$, 'LX003', NULL, 'O16: there is no other status');
SELECT throws_ok($$INSERT INTO license (account_id, sku, status) VALUES (1, 'C2TU1', 'paused')$$, '23514', NULL, 'O16: not for a new licence either');

-- Sending the key

SELECT throws_ok($$SELECT provision(1, 10, '7XK2M-9QD4T-0VZ3H-R8PAN-5CWJX')$$, 'LX004', NULL, 'O12: a mistyped key is refused');
SELECT throws_ok($$SELECT provision(1, 10, generate_key())$$, 'LX005', 'no licence has this key', 'O12: an unknown key is refused');
SELECT throws_ok($$SELECT provision(1, 10, pg_temp.key(520))$$, 'LX006', 'the licence key belongs to another organization', 'O13: the key of another organization is refused');
SELECT throws_ok($$SELECT provision(2, 20, pg_temp.key(500))$$, 'LX006', NULL, 'O13: so is ours at a site of theirs');
SELECT throws_ok($$SELECT provision(1, 20, pg_temp.key(500))$$, '23503', 'site 20 does not exist', 'O12: the location must be of the organization');
SELECT throws_ok($$SELECT provision(1, 10, NULL)$$, '22004', 'key must not be NULL', 'O12: no key is refused by name');
SELECT throws_ok($$SELECT provision(1, 14, pg_temp.key(500))$$, 'LX010', NULL, 'M3: a site on the old model must be migrated first');
SELECT is(pg_temp.state(500), 'pending_provision', 'O12, O17: nothing changed by a refused key');

SELECT is(provision(1, 10, pg_temp.key(500), '2026-01-01 00:00+00'), 'pending_start', 'O18: provisioned, it is pending start');
SELECT is((SELECT (site_id, starts_at, ends_at)::text FROM license WHERE license_id = 500), '(10,,)', 'O12, O28: at the chosen location, without dates');
SELECT is((SELECT array_agg(new - 'status' || '{}' ORDER BY event_id)::text FROM event WHERE subject_id = 500 AND action = 'provision'),
    '{"{\"site_id\": 10}"}', 'O34: provisioning is in the history once');
SELECT is(provision(1, 10, pg_temp.key(500), '2026-01-02 00:00+00'), 'pending_start', 'O14: the same key at the same location again changes nothing');
SELECT is((SELECT count(*)::integer FROM event WHERE subject_id = 500 AND action = 'provision'), 1, 'O14: and leaves no trace');
SELECT throws_ok($$SELECT provision(1, 11, pg_temp.key(500))$$, 'LX006', 'the licence key is in use at another site', 'O14: a key is provisioned once');
SELECT throws_ok($$SELECT provision(1, 10, pg_temp.key(501))$$, 'LX008', NULL, 'O15: a second live licence at a location is refused');
SELECT throws_ok($$UPDATE license SET status = 'pending_start', site_id = 10 WHERE license_id = 501$$, '23505', NULL, 'O15: by plain UPDATE too');
SELECT is(provision(1, 11, '00000-00000-00000-00000-lll7j', '2026-01-01 00:00+00'), 'pending_start',
    'O11, O13: a key is read whatever its case, at any location of the organization');
SELECT is(provision(1, 13, pg_temp.key(530), '2026-03-29 00:30+00'), 'in_use', 'contract 5: start rule immediate is in use at once');
SELECT is((SELECT ends_at FROM license WHERE license_id = 530), timestamptz '2027-03-29 01:30 Europe/Madrid', 'O22: the clock is that of the account''s time zone');
SELECT throws_ok($$SELECT provision(1, 13, pg_temp.key(531))$$, 'LX024', 'offer 02683-001 is not sold in region EU', 'M36: not outside the regions of its offer');

-- Connections start the contract

SELECT is(record_connection(1, 10, pg_temp.mac(n), '2028-02-29 08:00+00'::timestamptz + make_interval(mins => n)), 'pending_start',
    format('O19: connection %s does not start it', n)) FROM generate_series(1, 4) AS n;
SELECT is(record_connection(1, 10, pg_temp.mac(4), '2028-02-29 09:00+00'), 'pending_start', 'O20: a device counts once');
SELECT is(record_connection(1, 11, pg_temp.mac(5), '2028-02-29 09:00+00'), 'pending_start', 'O20: each location counts its own');
SELECT is((SELECT connections FROM license WHERE license_id = 500), 4, 'O20: four so far');
SELECT is(pg_temp.state(500), 'pending_start', 'O28: still without dates');
SELECT is(record_connection(1, 10, pg_temp.mac(5), '2028-02-29 10:00+00'), 'in_use', 'O19: the fifth device starts it');
SELECT is(pg_temp.state(500), 'in_use 2028-02-29 10:00:00 2029-02-28 10:00:00', 'O20, O22: at its time, for calendar years');
SELECT is(record_connection(1, 10, pg_temp.mac(6), '2028-03-01 00:00+00'), 'in_use', 'O19: a sixth one changes nothing');
SELECT is((SELECT count(*)::integer FROM connection WHERE license_id = 500), 5, 'O20: and is not recorded');
SELECT throws_ok($$SELECT record_connection(1, 12, pg_temp.mac(1))$$, 'LX005', 'site 12 has no live licence', 'O19: a location without licence is refused');
SELECT is(record_connection(1, 13, pg_temp.mac(1)), 'in_use', 'contract 5: a licence of another start rule answers its status');
SELECT ok(NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = 'license.connection'::regclass AND attname ~ 'lab|test|exempt'),
    'O21: there is no exemption for test devices');

UPDATE offer SET connection_threshold = 2 WHERE sku = 'OCTOPUS';
SELECT is(record_connection(1, 11, pg_temp.mac(7), '2028-01-31 23:30+00'), 'in_use', 'O20: the number is configurable');
SELECT is(pg_temp.state(501), 'in_use 2028-01-31 23:30:00 2029-01-31 23:30:00', 'O22: and starts it at its time');
SELECT throws_ok($$SELECT provision(1, 11, pg_temp.key(502))$$, 'LX008', NULL, 'O15: a location in use takes no second licence');

-- Denied and restored

SELECT throws_ok('SELECT deny_access(1, 500, NULL)', '22004', 'reason must not be NULL', 'O23: denying needs a reason');
SELECT throws_ok($$SELECT deny_access(1, 500, '')$$, '22023', 'reason must not be empty', 'O23: a reason that says something');
SELECT throws_ok($$UPDATE license SET status = 'access_denied' WHERE license_id = 500$$, '23514', NULL, 'O23: by plain UPDATE too');
SELECT throws_ok($$SELECT deny_access(1, 502, 'unpaid')$$, 'LX003', NULL, 'O24: not before it is provisioned');
SELECT throws_ok($$SELECT deny_access(2, 500, 'unpaid')$$, 'LX005', 'licence 500 does not exist', 'O24: not by another account');
SELECT lives_ok($$SELECT deny_access(1, 500, 'unpaid', '2028-05-01 00:00+00')$$, 'O23: access can be denied in use');
SELECT is(pg_temp.state(500), 'access_denied 2028-02-29 10:00:00 2029-02-28 10:00:00 unpaid', 'O24: the contract clock keeps running');
SELECT throws_ok($$SELECT deny_access(1, 500, 'again')$$, 'LX003', NULL, 'O24: not twice');
SELECT is(record_connection(1, 10, pg_temp.mac(8), '2028-05-02 00:00+00'), 'access_denied', 'O23: a device that connects is told so');
SELECT throws_ok($$SELECT provision(1, 10, pg_temp.key(502))$$, 'LX008', NULL, 'O15: a denied licence lives');
SELECT throws_ok($$SELECT restore_access(1, 500, '2029-02-28 10:00+00')$$, 'LX003', 'access to licence 500 cannot be restored', 'O24: not after the contract has ended');
SELECT throws_ok($$UPDATE license SET status = 'pending_start' WHERE license_id = 500$$, 'LX003', NULL, 'O24: only to the status before');
SELECT lives_ok($$SELECT restore_access(1, 500, '2028-06-01 00:00+00')$$, 'O24: access can be restored');
SELECT is(pg_temp.state(500), 'in_use 2028-02-29 10:00:00 2029-02-28 10:00:00', 'O24: to in use, with the same dates');
SELECT throws_ok($$SELECT restore_access(1, 500)$$, 'LX003', 'access to licence 500 is not denied', 'O24: only where it was denied');
UPDATE offer SET connection_threshold = 5 WHERE sku = 'OCTOPUS';
SELECT is(provision(1, 12, pg_temp.key(502)), 'pending_start', 'O18: another licence waits');
SELECT lives_ok($$SELECT deny_access(1, 502, 'unpaid')$$, 'O24: access can be denied before the start');
SELECT is(record_connection(1, 12, pg_temp.mac(n)), 'access_denied', 'O24: then no connection starts it') FROM generate_series(1, 5) AS n;
SELECT lives_ok($$SELECT restore_access(1, 502)$$, 'O24: and it is restored');
SELECT is(pg_temp.state(502), 'pending_start', 'O24: to pending start');

-- The end, and renewal

SELECT throws_ok('SELECT finalize(1, 500, NULL)', '22004', NULL, 'O25: finalizing needs a reason');
SELECT throws_ok('SELECT renew(1, 502)', 'LX003', 'licence 502 cannot be renewed', 'O25: what has not started is not renewed');
SELECT throws_ok('SELECT renew(1, 503)', 'LX003', NULL, 'O25: nor what was not provisioned');
SELECT throws_ok($$SELECT renew(1, 500, '0')$$, '22023', 'term must be positive', 'O25: a term is positive');
SELECT throws_ok($$SELECT renew(1, 500, '-1 month')$$, '22023', NULL, 'O25: never negative');
SELECT throws_ok($$SELECT renew(2, 500)$$, 'LX005', NULL, 'O44: not for another account');
SELECT is(renew(1, 500, NULL, '2028-12-01 00:00+00'), '2030-02-28 10:00+00', 'O25, M38: a running contract is prolonged from its end');
SELECT is(renew(1, 500, '1 month', '2028-12-01 00:00+00'), '2030-03-28 10:00+00', 'O22: by the calendar');
SELECT is(pg_temp.state(500), 'in_use 2028-02-29 10:00:00 2030-03-28 10:00:00', 'O25: the start stays');
SELECT deny_access(1, 500, 'unpaid', '2028-12-01 00:00+00');
SELECT is(renew(1, 500, '1 month', '2028-12-01 00:00+00'), '2030-04-28 09:00+00', 'O22, O24: a denied contract is prolonged too, by the clock of the account');
SELECT is((SELECT status || reason FROM license WHERE license_id = 500), 'access_deniedunpaid', 'O24: it stays denied');
SELECT lives_ok($$SELECT finalize(1, 500, 'contract cancelled', '2029-01-01 00:00+00')$$, 'O25: the distributor terminates a contract');
SELECT is(pg_temp.state(500), 'contract_finalized 2028-02-29 10:00:00 2030-04-28 09:00:00 contract cancelled', 'O25, O28: dates and reason are kept');
SELECT throws_ok($$SELECT finalize(1, 500, 'again')$$, 'LX003', NULL, 'O25: not twice');
SELECT throws_ok($$SELECT deny_access(1, 500, 'late')$$, 'LX003', NULL, 'O25: it is terminal');
SELECT throws_ok($$SELECT restore_access(1, 500)$$, 'LX003', NULL, 'O25: for every operation');
SELECT throws_ok($$SELECT provision(1, 10, pg_temp.key(500))$$, 'LX003', NULL, 'O25: the key cannot be sent again');
SELECT throws_ok($$UPDATE license SET status = 'in_use' WHERE license_id = 500$$, 'LX003', NULL, 'O25: left only through renewal, not by UPDATE');
SELECT throws_ok($$SELECT record_connection(1, 10, pg_temp.mac(1))$$, 'LX005', NULL, 'O25: a finalized licence serves nobody');
SELECT is(renew(1, 500, '1 year', '2029-06-01 00:00+00'), '2030-06-01 00:00+00', 'O25: a renewal after the end counts from its moment');
SELECT is(pg_temp.state(500), 'in_use 2029-06-01 00:00:00 2030-06-01 00:00:00', 'O25: a new period begins, in use again');
SELECT is(renew(1, 501, '1 year', '2029-01-31 23:30+00'), '2030-01-31 23:30+00', 'contract 5: at the end itself it has ended, swept or not');
SELECT is((SELECT starts_at FROM license WHERE license_id = 501), '2029-01-31 23:30+00', 'contract 5: so the new period starts then');
SELECT is(renew(1, 501, '1 year', '2030-01-31 23:29:59+00'), '2031-01-31 23:30+00', 'contract 5: a moment before, it still runs');
SELECT finalize(1, 501, 'moved', '2030-02-01 00:00+00');
SELECT is(provision(1, 11, pg_temp.key(503), '2030-02-02 00:00+00'), 'pending_start', 'O15: a finalized licence makes room');
SELECT throws_ok('SELECT renew(1, 501)', 'LX008', 'the site has a live licence already', 'O15: a renewal does not put a second licence at a location');
SELECT lives_ok($$SELECT finalize(1, 503, 'not wanted')$$, 'O25: what has not started can be finalized');
SELECT throws_ok('SELECT renew(1, 503)', 'LX003', NULL, 'O25: but, never started, not renewed');
SELECT is(renew(1, 501, '1 year', '2030-03-01 00:00+00'), '2031-03-01 00:00+00', 'O15: once the location is free, it can be renewed');

SELECT is(provision(1, 13, pg_temp.key(532), '2026-01-01 00:00+00'), 'in_use', 'C25: a trial starts at once');
SELECT throws_ok('SELECT renew(1, 532)', 'LX030', 'licence 532 is a trial and cannot be renewed', 'C25: a trial is not renewed');
SELECT is(provision(1, 13, pg_temp.key(533), '2026-01-01 00:00+00'), 'in_use', 'C28: an open-ended licence');
SELECT throws_ok('SELECT renew(1, 533)', '22023', NULL, 'C28: has no end to renew');
SELECT finalize(1, 533, 'demo over', '2026-02-01 00:00+00');
SELECT is(renew(1, 533, NULL, '2026-03-01 00:00+00'), NULL, 'C28: finalized, it can be renewed, without end again');
SELECT is(pg_temp.state(533), 'in_use 2026-03-01 00:00:00', 'C28: in use from then');

-- Illegal jumps, by operation and by UPDATE: every pair that is not listed

CREATE TEMP TABLE status (status text);
INSERT INTO status VALUES ('pending_provision'), ('pending_start'), ('in_use'), ('access_denied'), ('contract_finalized');
INSERT INTO site (account_id, site_id, name) SELECT 1, 600 + n, 'Jump' FROM generate_series(1, 5) AS n;
INSERT INTO license (account_id, license_id, sku, modules, site_id, status, term, starts_at, ends_at, reason)
SELECT 1, 600 + n, 'OCTOPUS', '{guest}', 600 + n, status, '1 year',
    CASE WHEN status !~ '^pending' THEN now() END, CASE WHEN status !~ '^pending' THEN now() + interval '1 year' END, 'reason'
FROM (SELECT row_number() OVER (ORDER BY status) AS n, status FROM status) AS s;
SELECT throws_ok(format('UPDATE license SET status = %L, starts_at = %s, ends_at = %s WHERE license_id = %s', s.status,
        CASE WHEN s.status ~ '^pending' THEN 'NULL' ELSE 'now()' END,
        CASE WHEN s.status ~ '^pending' THEN 'NULL' ELSE 'now() + interval ''1 year''' END, l.license_id),
    'LX003', NULL, format('O26: a plain UPDATE from %s to %s is refused', l.status, s.status))
FROM license l CROSS JOIN status s
WHERE l.license_id BETWEEN 601 AND 605 AND l.status <> s.status
    AND ((l.status, s.status) NOT IN (SELECT from_status, to_status FROM status_transitions()) OR l.status = 'contract_finalized')
ORDER BY l.status, s.status;

-- Wording and rows that name little
SELECT throws_ok($$UPDATE license SET status = 'pending_provision' WHERE license_id = 603$$, 'LX003',
    'licence 603 cannot go from in_use to pending_provision', 'O26: the message names the licence');
SELECT throws_ok($$SELECT finalize(1, 602, 'again', '2026-01-05 00:00+00')$$, 'LX003',
    'licence 602 is contract_finalized already', 'O25: what is finalized is said to be so');
SELECT throws_ok($$SELECT deny_access(1, 603, E' \t')$$, '22023', 'reason must not be empty', 'O23: a blank reason is none');
SELECT throws_ok($$UPDATE license SET status = 'access_denied', reason = '  ' WHERE license_id = 603$$, '23514', NULL,
    'O23: not by UPDATE either');
INSERT INTO license (account_id, license_id, sku, status, starts_at, ends_at) VALUES
    (1, 690, '9137958', 'in_use', '2026-01-01 00:00+00', '2026-07-01 00:00+00');
SELECT is(renew(1, 690, NULL, '2026-02-01 00:00+00'), '2027-07-01 00:00+00'::timestamptz,
    'O22: a row without term is renewed by that of its offer');
UPDATE license SET term = NULL WHERE license_id = 690;
SELECT is(renew(1, 690, NULL, '2026-02-01 00:00+00'), '2028-12-28 01:00+00'::timestamptz,
    'O22: one that lost its term by its former length, never without end');

SELECT results_eq('SELECT action, count(*)::integer FROM event WHERE subject_id = 500 GROUP BY action ORDER BY action',
    $$VALUES ('deny_access', 2), ('finalize', 1), ('provision', 1), ('record_connection', 1), ('renew', 4), ('restore_access', 1)$$,
    'O34, O44: every change of a licence is in its history');
SELECT is_empty('SELECT * FROM check_seats()', 'O20: the connections are counted right');

SELECT * FROM finish();
ROLLBACK;
