-- Card payments

CREATE TABLE license.payment (
    account_id bigint NOT NULL,
    payment_id bigint NOT NULL DEFAULT license.next_id(),
    site_id bigint NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    provider_reference text NOT NULL,
    paid_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_pkey PRIMARY KEY (account_id, payment_id),
    CONSTRAINT payment_reference_key UNIQUE (account_id, provider_reference),
    CONSTRAINT payment_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT payment_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT payment_quantity_check CHECK (quantity > 0),
    CONSTRAINT payment_amount_check CHECK (amount >= 0 AND amount < 'Infinity'::numeric),
    CONSTRAINT payment_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_reference_check CHECK (provider_reference <> '')
);
CREATE INDEX payment_site_idx ON license.payment (account_id, site_id);
COMMENT ON TABLE license.payment IS 'A payment the card provider confirmed; card data is never stored (M31).';
COMMENT ON COLUMN license.payment.account_id IS 'Who paid.';
COMMENT ON COLUMN license.payment.payment_id IS 'Id of the payment.';
COMMENT ON COLUMN license.payment.site_id IS 'For which site.';
COMMENT ON COLUMN license.payment.sku IS 'What was bought.';
COMMENT ON COLUMN license.payment.quantity IS 'How many units.';
COMMENT ON COLUMN license.payment.amount IS 'Sum paid, in units of the currency.';
COMMENT ON COLUMN license.payment.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN license.payment.provider_reference IS 'The provider''s number of the payment; a retry carries the same one.';
COMMENT ON COLUMN license.payment.paid_at IS 'When it was paid.';
