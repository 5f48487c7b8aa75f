-- The catalogue: modules, offers and prices

CREATE TABLE license.module (
    module text NOT NULL,
    name text NOT NULL,
    base boolean NOT NULL DEFAULT false,
    shipped boolean NOT NULL DEFAULT false,
    edited boolean NOT NULL DEFAULT false,
    CONSTRAINT module_pkey PRIMARY KEY (module),
    CONSTRAINT module_check CHECK (license._is_plain_text(module, 100) AND license._is_plain_text(name, 200))
);
COMMENT ON TABLE license.module IS 'A part of a platform that a licence can include.';
COMMENT ON COLUMN license.module.module IS 'Short name used in licences.';
COMMENT ON COLUMN license.module.name IS 'Name shown to people.';
COMMENT ON COLUMN license.module.base IS 'Added to every request.';
COMMENT ON COLUMN license.module.shipped IS 'Comes with the extension. Maintained.';
COMMENT ON COLUMN license.module.edited IS 'Comes with the extension, but is no longer as it came: saved by pg_dump. Maintained.';

CREATE TABLE license.offer (
    sku text NOT NULL,
    name text NOT NULL,
    family text,
    unit text NOT NULL,
    term interval,
    trial boolean NOT NULL DEFAULT false,
    audience text NOT NULL DEFAULT 'public',
    start_rule text NOT NULL DEFAULT 'immediate',
    connection_threshold integer NOT NULL DEFAULT 5,
    min_quantity integer NOT NULL DEFAULT 1,
    regions text[],
    modules text[] NOT NULL DEFAULT '{}',
    base_module text,
    shipped boolean NOT NULL DEFAULT false,
    edited boolean NOT NULL DEFAULT false,
    CONSTRAINT offer_pkey PRIMARY KEY (sku),
    CONSTRAINT offer_base_module_fkey FOREIGN KEY (base_module) REFERENCES license.module (module),
    CONSTRAINT offer_sku_check CHECK (license._is_plain_text(sku, 100) AND license._is_plain_text(name, 200)),
    CONSTRAINT offer_family_check CHECK (license._is_plain_text(family, 100)),
    CONSTRAINT offer_regions_check CHECK (license._are_plain_texts(regions, 100, 50)),
    CONSTRAINT offer_modules_check CHECK (license._are_plain_texts(modules, 100, 100)),
    CONSTRAINT offer_unit_check CHECK (unit IN ('apartment', 'access_point', 'room', 'user', 'device')),
    CONSTRAINT offer_term_check CHECK (term > interval '0'),
    CONSTRAINT offer_audience_check CHECK (audience IN ('public', 'internal', 'request')),
    CONSTRAINT offer_start_rule_check CHECK (start_rule IN ('immediate', 'on_connections')),
    CONSTRAINT offer_threshold_check CHECK (connection_threshold > 0),
    CONSTRAINT offer_min_quantity_check CHECK (min_quantity > 0),
    CONSTRAINT offer_trial_check CHECK (NOT trial OR term IS NOT NULL)
);
COMMENT ON TABLE license.offer IS 'What is sold, by ordering number.';
COMMENT ON COLUMN license.offer.sku IS 'Ordering number.';
COMMENT ON COLUMN license.offer.name IS 'Name shown to people.';
COMMENT ON COLUMN license.offer.family IS 'Offers of one family differ in volume or audience only.';
COMMENT ON COLUMN license.offer.unit IS 'What one licence unit covers.';
COMMENT ON COLUMN license.offer.term IS 'How long a licence runs; NULL is open-ended.';
COMMENT ON COLUMN license.offer.trial IS 'A free trial: once per account, never extended.';
COMMENT ON COLUMN license.offer.audience IS 'public; internal: by application only; request: arranged by the provider.';
COMMENT ON COLUMN license.offer.start_rule IS 'immediate, or on_connections: the term starts with the connection that reaches the threshold.';
COMMENT ON COLUMN license.offer.connection_threshold IS 'Distinct devices that must connect before the term starts.';
COMMENT ON COLUMN license.offer.min_quantity IS 'Smallest quantity that can be ordered.';
COMMENT ON COLUMN license.offer.regions IS 'Regions it is sold in; NULL is any.';
COMMENT ON COLUMN license.offer.modules IS 'Modules its licences include.';
COMMENT ON COLUMN license.offer.base_module IS 'The module none of its licences may lack; NULL where modules do not matter.';
COMMENT ON COLUMN license.offer.shipped IS 'Comes with the extension. Maintained.';
COMMENT ON COLUMN license.offer.edited IS 'Comes with the extension, but is no longer as it came: saved by pg_dump. Maintained.';

CREATE TABLE license.offer_price (
    sku text NOT NULL,
    currency text NOT NULL,
    min_quantity integer NOT NULL DEFAULT 1,
    unit_price numeric NOT NULL,
    CONSTRAINT offer_price_pkey PRIMARY KEY (sku, currency, min_quantity),
    CONSTRAINT offer_price_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku) ON DELETE CASCADE,
    CONSTRAINT offer_price_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT offer_price_min_quantity_check CHECK (min_quantity > 0),
    CONSTRAINT offer_price_unit_price_check CHECK (unit_price >= 0 AND unit_price < 'Infinity'::numeric)
);
COMMENT ON TABLE license.offer_price IS 'Volume prices: the tier with the greatest min_quantity not above the quantity applies; prices may not rise with quantity.';
COMMENT ON COLUMN license.offer_price.sku IS 'The offer.';
COMMENT ON COLUMN license.offer_price.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN license.offer_price.min_quantity IS 'From this quantity on.';
COMMENT ON COLUMN license.offer_price.unit_price IS 'Price of one unit for one term.';

CREATE TABLE license.partner_offer (
    account_id bigint NOT NULL,
    sku text NOT NULL,
    CONSTRAINT partner_offer_pkey PRIMARY KEY (account_id, sku),
    CONSTRAINT partner_offer_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT partner_offer_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku)
);
COMMENT ON TABLE license.partner_offer IS 'Offers the provider enabled for a partner.';
COMMENT ON COLUMN license.partner_offer.account_id IS 'The partner.';
COMMENT ON COLUMN license.partner_offer.sku IS 'The offer.';

CREATE FUNCTION license._partner_offer_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_partner_offer_trg';
COMMENT ON FUNCTION license._partner_offer_trg() IS
'Trigger: offers are enabled for accounts of kind partner only. Errors: 23514, 39P01.';

CREATE TRIGGER partner_offer_partner BEFORE INSERT OR UPDATE ON license.partner_offer
    FOR EACH ROW EXECUTE FUNCTION license._partner_offer_trg();

CREATE FUNCTION license._unit_price(sku text, currency text, quantity integer) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN o.trial THEN 0 ELSE
        (SELECT p.unit_price FROM license.offer_price p
        WHERE p.sku = o.sku AND p.currency = _unit_price.currency
        AND p.min_quantity <= GREATEST(_unit_price.quantity, o.min_quantity)
        ORDER BY p.min_quantity DESC LIMIT 1) END
    FROM license.offer o WHERE o.sku = _unit_price.sku;
END;
COMMENT ON FUNCTION license._unit_price(text, text, integer) IS
'Returns the price of one unit of an offer if that many are ordered, or its minimum if that is more: the price of the tier with the greatest min_quantity that is not above. 0 for a trial, NULL if there is no such price. Raises nothing.';

CREATE FUNCTION license._total(quantity integer, unit_price numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN quantity = 0 THEN 0 ELSE quantity * unit_price END;
COMMENT ON FUNCTION license._total(integer, numeric) IS
'Returns what that many units cost; 0 for no units, even without a price. Raises nothing.';

CREATE FUNCTION license._offer_price_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_offer_price_trg';
COMMENT ON FUNCTION license._offer_price_trg() IS
'Trigger: prices must not rise with the quantity, and an internal offer must be cheaper than the public ones of its family for every quantity. Errors: 23514, 39P01.';

CREATE TRIGGER offer_price_order AFTER INSERT OR UPDATE ON license.offer_price
    FOR EACH ROW EXECUTE FUNCTION license._offer_price_trg();
CREATE TRIGGER offer_price_order AFTER UPDATE OF family, audience, trial, min_quantity ON license.offer
    FOR EACH ROW EXECUTE FUNCTION license._offer_price_trg();

INSERT INTO license.module (module, name, base, shipped) VALUES
    ('guest', 'Guest portal', true, true),
    ('business', 'Business network', false, true);

INSERT INTO license.offer
    (sku, name, family, unit, term, trial, audience, start_rule, min_quantity, regions, modules, base_module, shipped) VALUES
    ('9137958', 'Annual apartment subscription', '9137958', 'apartment', '1 year', false, 'public', 'immediate', 1, NULL, '{}', NULL, true),
    ('02683-001', 'Annual apartment subscription, US and APAC only', '9137958', 'apartment', '1 year', false, 'public', 'immediate', 1, '{US,APAC}', '{}', NULL, true),
    ('OCTOPUS', 'Wi-Fi platform licence', 'OCTOPUS', 'access_point', '1 year', false, 'request', 'on_connections', 1, NULL, '{guest}', 'guest', true),
    ('C2TU1', 'PBX user', 'C2TU', 'user', NULL, false, 'public', 'immediate', 1, NULL, '{}', NULL, true),
    ('C2TU250', 'PBX user, from 250', 'C2TU', 'user', NULL, false, 'public', 'immediate', 250, NULL, '{}', NULL, true),
    ('T2TU1', 'Trunk user', 'T2TU', 'user', NULL, false, 'public', 'immediate', 1, NULL, '{}', NULL, true),
    ('T2TU80', 'Trunk user, from 80', 'T2TU', 'user', NULL, false, 'public', 'immediate', 80, NULL, '{}', NULL, true),
    ('C2TU-I1', 'Internal PBX user', 'C2TU', 'user', NULL, false, 'internal', 'immediate', 1, NULL, '{}', NULL, true),
    ('C2TUT', 'Trial PBX user', 'C2TU', 'user', '30 days', true, 'public', 'immediate', 1, NULL, '{}', NULL, true),
    ('T2TUT', 'Trial trunk user', 'T2TU', 'user', '30 days', true, 'public', 'immediate', 1, NULL, '{}', NULL, true),
    ('PARTNER-DEMO', 'Partner demonstration', 'DEMO', 'user', NULL, false, 'request', 'immediate', 1, NULL, '{}', NULL, true),
    ('COUNT-ANNUAL', 'Annual counting licence', 'COUNT', 'device', '1 year', false, 'public', 'immediate', 1, NULL, '{}', NULL, true);
