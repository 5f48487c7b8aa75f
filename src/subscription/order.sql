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
COMMENT ON TABLE license.purchase IS 'One order or amendment; append-only (C29).';
COMMENT ON COLUMN license.purchase.account_id IS 'The account whose subscriptions changed.';
COMMENT ON COLUMN license.purchase.purchase_id IS 'Id of the order.';
COMMENT ON COLUMN license.purchase.placed_at IS 'When it was placed.';
COMMENT ON COLUMN license.purchase.placed_by IS 'Who placed it.';
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
COMMENT ON TABLE license.purchase_line IS 'One SKU of an order: old and new quantity, price and total; append-only (C10, C29).';
COMMENT ON COLUMN license.purchase_line.account_id IS 'The account whose subscriptions changed.';
COMMENT ON COLUMN license.purchase_line.purchase_id IS 'The order.';
COMMENT ON COLUMN license.purchase_line.sku IS 'What was ordered.';
COMMENT ON COLUMN license.purchase_line.license_id IS 'The subscription it made or amended.';
COMMENT ON COLUMN license.purchase_line.old_quantity IS 'Quantity before; 0 for a new subscription.';
COMMENT ON COLUMN license.purchase_line.new_quantity IS 'The new total, not a difference (P10); 0 cancels.';
COMMENT ON COLUMN license.purchase_line.unit_price IS 'Price of a unit then; NULL when no price fitted.';
COMMENT ON COLUMN license.purchase_line.total IS 'New quantity times unit price.';

CREATE FUNCTION license._subscription_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_subscription_trg';
COMMENT ON FUNCTION license._subscription_trg() IS
'Trigger: records whether a licence is a subscription, unless the row says so; refuses internal licences to clients and a later end to trials (C4, C21, C25-C27). Errors: LX030, 39P01.';

CREATE TRIGGER license_subscription BEFORE INSERT OR UPDATE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._subscription_trg();

CREATE FUNCTION license._subscription_quantity_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_subscription_quantity_trg';
COMMENT ON FUNCTION license._subscription_quantity_trg() IS
'Trigger: the quantity of a subscription changes to 0 or to the minimum of its offer and above (C6). Errors: LX031, 39P01.';

CREATE TRIGGER license_pool_quantity AFTER UPDATE OF maximum ON license.license_pool
    FOR EACH ROW EXECUTE FUNCTION license._subscription_quantity_trg();

CREATE FUNCTION license.available_offers(account_id bigint, OUT sku text, OUT name text,
    OUT unit_price numeric, OUT currency text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_available_offers';
COMMENT ON FUNCTION license.available_offers(bigint) IS
'The offers enabled for the account''s partner (the nearest at or above it) that the account has not ordered yet, with the price of the smallest quantity in the partner''s currency, NULL where none fits. Never internal offers, never a trial the account has had; an offer of audience request once it is enabled. Errors: 22004, 23503 unknown account. C2, C17, C22, C27, C28.';

CREATE FUNCTION license.quote(account_id bigint, items jsonb, OUT sku text, OUT old_quantity integer,
    OUT old_total numeric, OUT new_quantity integer, OUT unit_price numeric, OUT new_total numeric, OUT version text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_quote';
COMMENT ON FUNCTION license.quote(bigint, jsonb) IS
'What an order of items (SKU to new total quantity, 0 cancels) would change and cost at the partner''s present prices; the last row has SKU NULL and the grand totals. Totals are NULL where no price fits. Stores nothing; version goes to license.place_order(). Errors: LX030 offer not available, LX031 quantity, LX034 second trial, 22004, 22023 items not an object, 23503 unknown account. C10, C12, C13, C18.';

CREATE FUNCTION license.place_order(account_id bigint, items jsonb, quote_version text DEFAULT NULL,
    placed_by text DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_place_order';
COMMENT ON FUNCTION license.place_order(bigint, jsonb, text, text, timestamptz) IS
'Stores items (SKU to new total quantity, not a difference; 0 cancels) in one step or not at all and answers purchase_id: new subscriptions, amendments and cancellations, all at once in effect; a trial keeps its end. quote_version is what license.quote() said, NULL orders without a quote; placed_by NULL is the actor. Errors: LX030 offer not available, LX031 quantity or nothing ordered, LX032 below what is in use, LX033 stale quote, LX034 second trial, 22004, 22023 items not an object, 23503 unknown account, 55000 closed account. C3, C4, C6, C11-C16, C19, C20, C22, C25-C29, P10, P11.';

CREATE FUNCTION license.create_client(partner_id bigint, name text, items jsonb DEFAULT '{}',
    at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_create_client';
COMMENT ON FUNCTION license.create_client(bigint, text, jsonb, timestamptz) IS
'A new client account of a partner, in its region, currency and time zone, with the subscriptions of items (SKU to quantity), in one step or not at all; answers account_id. Errors: those of license.place_order(), 22004, 22023 not an open partner account, 23514 empty name. C1, C3, C8.';
