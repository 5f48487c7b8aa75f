-- Subscriptions, as partners see them

CREATE VIEW license.subscription WITH (security_invoker = true) AS
SELECT l.account_id, a.name AS account, l.sku, o.name, q.quantity, q.in_use, t.unit_price,
    license._total(q.quantity, t.unit_price) AS total, c.currency,
    CASE WHEN l.ends_at <= now() AND l.status IN ('in_use', 'access_denied')
        THEN 'contract_finalized' ELSE l.status END AS status,
    l.ends_at
FROM license.license l
JOIN license.account a ON a.account_id = l.account_id
JOIN license.offer o ON o.sku = l.sku
LEFT JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id AND p.pool = o.unit
CROSS JOIN LATERAL (SELECT COALESCE(p.maximum, 0) AS quantity, COALESCE(p.in_use, 0) AS in_use) q
CROSS JOIN LATERAL (SELECT license._base_currency(l.account_id) AS currency) c
CROSS JOIN LATERAL (SELECT license._unit_price(l.sku, c.currency, q.quantity) AS unit_price) t
WHERE l.subscription <> 'none';
COMMENT ON VIEW license.subscription IS 'Subscriptions of all accounts with quantity, use and present price; ended ones stay listed.';
COMMENT ON COLUMN license.subscription.account_id IS 'The account that has the subscription.';
COMMENT ON COLUMN license.subscription.account IS 'Name of the account.';
COMMENT ON COLUMN license.subscription.sku IS 'The offer.';
COMMENT ON COLUMN license.subscription.name IS 'Name of the offer.';
COMMENT ON COLUMN license.subscription.quantity IS 'Licences bought; 0 once cancelled.';
COMMENT ON COLUMN license.subscription.in_use IS 'Licences that users have.';
COMMENT ON COLUMN license.subscription.unit_price IS 'Present price of one licence for one term; NULL where no price fits.';
COMMENT ON COLUMN license.subscription.total IS 'Quantity times unit price.';
COMMENT ON COLUMN license.subscription.currency IS 'Currency of the partner, else of the account.';
COMMENT ON COLUMN license.subscription.status IS 'Status of the licence; contract_finalized for a cancelled one, and for one that has ended, even if the sweep has not run yet.';
COMMENT ON COLUMN license.subscription.ends_at IS 'End of the term, exclusive; NULL is open-ended.';
