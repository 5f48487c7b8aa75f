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
    auto_renew boolean NOT NULL DEFAULT false,
    paid_at timestamptz NOT NULL DEFAULT now(),
    outcome jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT payment_pkey PRIMARY KEY (account_id, payment_id),
    CONSTRAINT payment_reference_key UNIQUE (account_id, provider_reference),
    CONSTRAINT payment_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT payment_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT payment_quantity_check CHECK (quantity > 0),
    CONSTRAINT payment_amount_check CHECK (amount >= 0 AND amount < 'Infinity'::numeric),
    CONSTRAINT payment_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_reference_check CHECK (license._is_plain_text(provider_reference, 200)),
    CONSTRAINT payment_outcome_check CHECK (license._is_small_jsonb(outcome, 8192))
);
CREATE INDEX payment_site_idx ON license.payment (account_id, site_id);
COMMENT ON TABLE license.payment IS 'A payment the card provider confirmed; card data is never stored.';
COMMENT ON COLUMN license.payment.account_id IS 'Who paid.';
COMMENT ON COLUMN license.payment.payment_id IS 'Id of the payment.';
COMMENT ON COLUMN license.payment.site_id IS 'For which site.';
COMMENT ON COLUMN license.payment.sku IS 'What was bought.';
COMMENT ON COLUMN license.payment.quantity IS 'How many units.';
COMMENT ON COLUMN license.payment.amount IS 'Sum paid, in units of the currency.';
COMMENT ON COLUMN license.payment.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN license.payment.provider_reference IS 'Number that the card provider gave the payment; a repeated call has the same one.';
COMMENT ON COLUMN license.payment.auto_renew IS 'Whether the customer chose recurring payment with it.';
COMMENT ON COLUMN license.payment.outcome IS 'What it granted: the answer to a repeated call.';
COMMENT ON COLUMN license.payment.paid_at IS 'When it was paid.';

CREATE FUNCTION license._payment_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_payment_trg';
COMMENT ON FUNCTION license._payment_trg() IS
'Trigger: the site of a new payment must be on the subscription model and have a type. Errors: LX010, LX012, 39P01.';

CREATE TRIGGER payment_site BEFORE INSERT ON license.payment
    FOR EACH ROW EXECUTE FUNCTION license._payment_trg();

CREATE FUNCTION license.record_payment(account_id bigint, site_id bigint, quantity integer,
    amount numeric, currency text, provider_reference text, auto_renew boolean DEFAULT false,
    at timestamptz DEFAULT now(), OUT quantity integer, OUT action text, OUT ends_at timestamptz)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 2
AS 'MODULE_PATHNAME', 'license_record_payment';
COMMENT ON FUNCTION license.record_payment(bigint, bigint, integer, numeric, text, text, boolean, timestamptz) IS
'Records a card payment and grants quantity units to the site, as license.redeem_voucher() does. The offer is the one recommended for the type and region of the site: one of family 9137958 before others, one for the region before one for all. A repeated call with the same reference and data grants nothing and gives the same answer. auto_renew marks the site and its running licences for recurring payment. Levels: provider, service. Errors: LX010 site on the custom model, LX012 site without a type, LX030 no offer, LX031 quantity not in 1 to 100000, LX043 the reference is of another payment, 23503 no such site, 23514 currency or amount, 22004.';
