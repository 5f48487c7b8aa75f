-- Orders and amendments

CREATE TABLE license.purchase (
    account_id bigint NOT NULL,
    purchase_id bigint NOT NULL DEFAULT license.next_id(),
    placed_at timestamptz NOT NULL DEFAULT now(),
    placed_by text NOT NULL,
    currency text,
    CONSTRAINT purchase_pkey PRIMARY KEY (account_id, purchase_id),
    CONSTRAINT purchase_placed_by_check CHECK (license._is_plain_text(placed_by, 200)),
    CONSTRAINT purchase_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT purchase_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id)
);
COMMENT ON TABLE license.purchase IS 'An order or an amendment; append-only.';
COMMENT ON COLUMN license.purchase.account_id IS 'The account whose subscriptions changed.';
COMMENT ON COLUMN license.purchase.purchase_id IS 'Id of the order.';
COMMENT ON COLUMN license.purchase.placed_at IS 'When the order was placed.';
COMMENT ON COLUMN license.purchase.placed_by IS 'Who placed the order.';
COMMENT ON COLUMN license.purchase.currency IS 'Currency of the prices; NULL when no price fits.';

CREATE TABLE license.purchase_line (
    account_id bigint NOT NULL,
    purchase_id bigint NOT NULL,
    sku text NOT NULL,
    license_id bigint,
    old_quantity integer NOT NULL,
    new_quantity integer NOT NULL,
    unit_price numeric,
    total numeric,
    CONSTRAINT purchase_line_pkey PRIMARY KEY (account_id, purchase_id, sku),
    CONSTRAINT purchase_line_purchase_fkey FOREIGN KEY (account_id, purchase_id)
        REFERENCES license.purchase (account_id, purchase_id) ON DELETE CASCADE,
    CONSTRAINT purchase_line_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT purchase_line_license_fkey FOREIGN KEY (account_id, license_id)
        REFERENCES license.license (account_id, license_id),
    CONSTRAINT purchase_line_quantity_check CHECK (old_quantity >= 0 AND new_quantity >= 0)
);
COMMENT ON TABLE license.purchase_line IS 'One SKU of an order: old and new quantity, price and total; append-only.';
COMMENT ON COLUMN license.purchase_line.account_id IS 'The account whose subscriptions changed.';
COMMENT ON COLUMN license.purchase_line.purchase_id IS 'The order.';
COMMENT ON COLUMN license.purchase_line.sku IS 'What was ordered.';
COMMENT ON COLUMN license.purchase_line.license_id IS 'The subscription that the order made or amended.';
COMMENT ON COLUMN license.purchase_line.old_quantity IS 'Quantity before; 0 for a new subscription.';
COMMENT ON COLUMN license.purchase_line.new_quantity IS 'The new total, not a difference; 0 cancels.';
COMMENT ON COLUMN license.purchase_line.unit_price IS 'Price of one unit at that time; NULL if no price fitted.';
COMMENT ON COLUMN license.purchase_line.total IS 'New quantity times unit price.';

CREATE FUNCTION license._subscription_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_subscription_trg';
COMMENT ON FUNCTION license._subscription_trg() IS
'Trigger: sets whether a licence is a subscription, unless the row says so; refuses internal licences to clients, and a later end to trials. Errors: LX030, 39P01.';

CREATE TRIGGER license_subscription BEFORE INSERT OR UPDATE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._subscription_trg();

CREATE FUNCTION license._subscription_quantity_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_subscription_quantity_trg';
COMMENT ON FUNCTION license._subscription_quantity_trg() IS
'Trigger: the quantity of a subscription changes to 0 or to at least the minimum of its offer. Errors: LX031, 39P01.';

CREATE TRIGGER license_pool_quantity AFTER UPDATE OF maximum ON license.license_pool
    FOR EACH ROW EXECUTE FUNCTION license._subscription_quantity_trg();

CREATE FUNCTION license.available_offers(account_id bigint, OUT sku text, OUT name text,
    OUT unit_price numeric, OUT currency text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_available_offers';
COMMENT ON FUNCTION license.available_offers(bigint) IS
'Returns the offers that the account can order: those enabled for its partner (the nearest at or above it), without internal offers, offers it has ordered and trials it has had. unit_price is that of the smallest quantity in the partner''s currency, NULL where no price fits. Levels: provider, partner. Errors: 22004, 23503 unknown account.';

CREATE FUNCTION license.quote(account_id bigint, items jsonb, OUT sku text, OUT old_quantity integer,
    OUT old_total numeric, OUT new_quantity integer, OUT unit_price numeric, OUT new_total numeric, OUT version text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_quote';
COMMENT ON FUNCTION license.quote(bigint, jsonb) IS
'Returns what an order of items (SKU to new total quantity, 0 cancels) would change and cost at the present prices of the partner; stores nothing. The last row has SKU NULL and the grand totals. Totals are NULL where no price fits. version is for license.place_order(). Levels: provider, partner. Errors: LX030 offer not available, LX031 quantity, LX034 second trial, 22004, 22023 items not an object, 23503 unknown account.';

CREATE FUNCTION license.place_order(account_id bigint, items jsonb, quote_version text DEFAULT NULL,
    placed_by text DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_place_order';
COMMENT ON FUNCTION license.place_order(bigint, jsonb, text, text, timestamptz) IS
'Orders, amends and cancels subscriptions by items (SKU to new total quantity, 0 cancels) in one step or not at all, and returns purchase_id. All changes take effect at once; a trial keeps its end. quote_version is the version of license.quote(), NULL to order without a quote; placed_by NULL is the actor. Levels: provider, partner. Errors: LX030 offer not available, LX031 quantity or nothing ordered, LX032 below what is in use, LX033 stale quote, LX034 second trial, 22004, 22023 items not an object, 23503 unknown account, 55000 closed account.';

CREATE FUNCTION license.create_client(partner_id bigint, name text, items jsonb DEFAULT '{}',
    at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_create_client';
COMMENT ON FUNCTION license.create_client(bigint, text, jsonb, timestamptz) IS
'Creates a client account of a partner with the subscriptions of items (SKU to quantity), in one step or not at all, and returns account_id. The client gets the region, currency and time zone of the partner. Levels: provider, partner. Errors: those of license.place_order(), 22004, 22023 not an open partner account, 23514 empty name.';
