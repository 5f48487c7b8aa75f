-- Reports on licences. Views see what their reader may see.

CREATE INDEX account_name_idx ON license.account (name);

CREATE VIEW license.license_list WITH (security_invoker = true) AS
SELECT l.key AS license_key, a.name AS organization, l.modules,
    ap.maximum AS access_points, ro.maximum AS rooms,
    l.status, l.starts_at AS start_date, l.ends_at AS end_date,
    l.account_id, l.license_id, l.site_id, l.sku
FROM license.license l
JOIN license.account a ON a.account_id = l.account_id
LEFT JOIN license.license_pool ap
    ON ap.account_id = l.account_id AND ap.license_id = l.license_id AND ap.pool = 'access_point'
LEFT JOIN license.license_pool ro
    ON ro.account_id = l.account_id AND ro.license_id = l.license_id AND ro.pool = 'room';
COMMENT ON VIEW license.license_list IS 'All licences. Filters on any column use an index.';
COMMENT ON COLUMN license.license_list.license_key IS 'Licence key.';
COMMENT ON COLUMN license.license_list.organization IS 'Name of the organization.';
COMMENT ON COLUMN license.license_list.modules IS 'Modules contracted.';
COMMENT ON COLUMN license.license_list.access_points IS 'Most access points; NULL for a licence that does not count them.';
COMMENT ON COLUMN license.license_list.rooms IS 'Most rooms; NULL for a licence that does not count them.';
COMMENT ON COLUMN license.license_list.status IS 'One of the five statuses.';
COMMENT ON COLUMN license.license_list.start_date IS 'Start of the contract; NULL while pending.';
COMMENT ON COLUMN license.license_list.end_date IS 'End of the contract, exclusive; NULL while pending and when open-ended.';
COMMENT ON COLUMN license.license_list.account_id IS 'The organization.';
COMMENT ON COLUMN license.license_list.license_id IS 'The licence.';
COMMENT ON COLUMN license.license_list.site_id IS 'The site that the licence is assigned to.';
COMMENT ON COLUMN license.license_list.sku IS 'The offer that was bought.';

CREATE VIEW license.upgrade_log WITH (security_invoker = true) AS
SELECT e.account_id, e.subject_id AS license_id, e.event_id, a.name AS organization,
    e.at, e.actor, e.session_role, e.action, e.subject, e.old, e.new
FROM license.event e
JOIN license.account a ON a.account_id = e.account_id
WHERE e.subject IN ('license', 'license_pool');
COMMENT ON VIEW license.upgrade_log IS 'Every change of every licence and its pools. ORDER BY event_id lists the oldest first.';
COMMENT ON COLUMN license.upgrade_log.account_id IS 'The organization.';
COMMENT ON COLUMN license.upgrade_log.license_id IS 'The licence, which may be gone.';
COMMENT ON COLUMN license.upgrade_log.event_id IS 'Id of the entry; later entries of a server have higher ids.';
COMMENT ON COLUMN license.upgrade_log.organization IS 'Name of the organization.';
COMMENT ON COLUMN license.upgrade_log.at IS 'When the change was made.';
COMMENT ON COLUMN license.upgrade_log.actor IS 'Who made the change.';
COMMENT ON COLUMN license.upgrade_log.session_role IS 'The role that logged in.';
COMMENT ON COLUMN license.upgrade_log.action IS 'The operation, or update or delete for a plain statement.';
COMMENT ON COLUMN license.upgrade_log.subject IS 'license, or license_pool for the number of units.';
COMMENT ON COLUMN license.upgrade_log.old IS 'Former values of what changed.';
COMMENT ON COLUMN license.upgrade_log.new IS 'New values of what changed.';

CREATE VIEW license.notification_log WITH (security_invoker = true) AS
SELECT n.account_id, n.license_id, n.notice_id, a.name AS organization, n.site_id,
    n.kind, n.stage, n.state, n.term_ends_at, n.due_at, n.sent_at, n.recipient, n.acknowledged_at
FROM license.notice n
JOIN license.account a ON a.account_id = n.account_id
WHERE n.state <> 'pending';
COMMENT ON VIEW license.notification_log IS 'Automatic notifications sent, skipped or withdrawn.';
COMMENT ON COLUMN license.notification_log.account_id IS 'The account concerned.';
COMMENT ON COLUMN license.notification_log.license_id IS 'The licence concerned.';
COMMENT ON COLUMN license.notification_log.notice_id IS 'Id of the notice.';
COMMENT ON COLUMN license.notification_log.organization IS 'Name of the account.';
COMMENT ON COLUMN license.notification_log.site_id IS 'The site concerned.';
COMMENT ON COLUMN license.notification_log.kind IS 'expiry, migration_approved, or a word that the application chose.';
COMMENT ON COLUMN license.notification_log.stage IS 'Number of the notice, 1 to 6.';
COMMENT ON COLUMN license.notification_log.state IS 'sent, acknowledged, skipped or withdrawn.';
COMMENT ON COLUMN license.notification_log.term_ends_at IS 'The end the notice is about.';
COMMENT ON COLUMN license.notification_log.due_at IS 'When the notice was due.';
COMMENT ON COLUMN license.notification_log.sent_at IS 'When the notice was raised; NULL if it was not.';
COMMENT ON COLUMN license.notification_log.recipient IS 'E-mail address that the message goes to.';
COMMENT ON COLUMN license.notification_log.acknowledged_at IS 'When a consumer acknowledged the notice.';

CREATE VIEW license.assignment_overview WITH (security_invoker = true) AS
SELECT l.account_id, l.license_id, l.status, a.name AS organization,
    s.site_id, s.name AS site, p.pool, coalesce(x.units, 0) AS units, p.in_use, p.maximum
FROM license.license l
JOIN license.account a ON a.account_id = l.account_id
JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id
JOIN LATERAL (
    SELECT l.site_id, NULL::integer AS units
    WHERE l.site_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM license.seat o WHERE o.account_id = l.account_id AND o.site_id = l.site_id
            AND o.license_id = l.license_id AND o.pool = p.pool)
    UNION ALL
    SELECT o.site_id, o.units FROM license.seat o
    WHERE o.account_id = p.account_id AND o.license_id = p.license_id AND o.pool = p.pool AND o.site_id IS NOT NULL
) x ON true
JOIN license.site s ON s.account_id = l.account_id AND s.site_id = x.site_id;
COMMENT ON VIEW license.assignment_overview IS 'The locations that a licence is assigned to, with the units configured at each. The site of the licence is listed from provisioning on.';
COMMENT ON COLUMN license.assignment_overview.account_id IS 'The organization.';
COMMENT ON COLUMN license.assignment_overview.license_id IS 'The licence.';
COMMENT ON COLUMN license.assignment_overview.status IS 'Status of the licence.';
COMMENT ON COLUMN license.assignment_overview.organization IS 'Name of the organization.';
COMMENT ON COLUMN license.assignment_overview.site_id IS 'The location.';
COMMENT ON COLUMN license.assignment_overview.site IS 'Name of the location.';
COMMENT ON COLUMN license.assignment_overview.pool IS 'What is counted, such as access_point or room.';
COMMENT ON COLUMN license.assignment_overview.units IS 'Units configured at the location.';
COMMENT ON COLUMN license.assignment_overview.in_use IS 'Units in use in the pool, all locations together.';
COMMENT ON COLUMN license.assignment_overview.maximum IS 'Most units that the licence allows.';

CREATE FUNCTION license.expiring(within interval DEFAULT '1 month', at timestamptz DEFAULT now())
RETURNS TABLE (account_id bigint, license_id bigint, organization text, site_id bigint, sku text,
    status text, ends_at timestamptz, days_left integer, auto_renew boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT l.account_id, l.license_id, a.name, l.site_id, l.sku, l.status, l.ends_at,
        CAST(floor(date_part('epoch', l.ends_at - m.at) / 86400) AS integer), l.auto_renew
    FROM (SELECT coalesce(expiring.at, now()) AS at) m, license.license l
    JOIN license.account a ON a.account_id = l.account_id
    WHERE l.ends_at > m.at
        -- wide enough for months of any length: the index finds the few licences whose exact date is computed
        AND l.ends_at <= license._moment_add(license._moment_add(m.at, expiring.within), interval '5 days')
        AND license._calendar_subtract(l.ends_at, expiring.within, a.time_zone) <= m.at
        AND l.status IN ('in_use', 'access_denied')
    ORDER BY l.ends_at, l.license_id;
END;
COMMENT ON FUNCTION license.expiring(interval, timestamptz) IS
'Returns licences whose contract ends within that time after the given moment, the next first. A month is a calendar month, counted back from the end in the account''s time zone, as for notices. Levels: provider, distributor, partner, customer, reader. Raises nothing.';
