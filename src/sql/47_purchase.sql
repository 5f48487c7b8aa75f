-- Orders and amendments

CREATE TABLE license.purchase (
    account_id bigint NOT NULL,
    purchase_id bigint NOT NULL DEFAULT license.next_id(),
    placed_at timestamptz NOT NULL DEFAULT now(),
    placed_by text NOT NULL,
    currency text,
    CONSTRAINT purchase_pkey PRIMARY KEY (account_id, purchase_id),
    CONSTRAINT purchase_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id)
);
COMMENT ON TABLE license.purchase IS 'One order or amendment (C29).';
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
COMMENT ON TABLE license.purchase_line IS 'One SKU of an order: old and new quantity, price and total (C10, C29).';
COMMENT ON COLUMN license.purchase_line.account_id IS 'The account whose subscriptions changed.';
COMMENT ON COLUMN license.purchase_line.purchase_id IS 'The order.';
COMMENT ON COLUMN license.purchase_line.sku IS 'What was ordered.';
COMMENT ON COLUMN license.purchase_line.license_id IS 'The subscription it made or amended.';
COMMENT ON COLUMN license.purchase_line.old_quantity IS 'Quantity before; 0 for a new subscription.';
COMMENT ON COLUMN license.purchase_line.new_quantity IS 'The new total, not a difference (P10); 0 cancels.';
COMMENT ON COLUMN license.purchase_line.unit_price IS 'Price of a unit then; NULL when no price fitted.';
COMMENT ON COLUMN license.purchase_line.total IS 'New quantity times unit price.';
