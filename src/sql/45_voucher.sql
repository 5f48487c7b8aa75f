-- Vouchers

CREATE TABLE license.voucher (
    code license.license_key NOT NULL DEFAULT license.generate_key(),
    batch text,
    sku text NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'active',
    purchased_at timestamptz NOT NULL DEFAULT now(),
    valid_until timestamptz NOT NULL DEFAULT now() + interval '3 years',
    redeemed_account_id bigint,
    redeemed_site_id bigint,
    redeemed_at timestamptz,
    cancel_reason text,
    CONSTRAINT voucher_pkey PRIMARY KEY (code),
    CONSTRAINT voucher_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT voucher_site_fkey FOREIGN KEY (redeemed_account_id, redeemed_site_id)
        REFERENCES license.site (account_id, site_id),
    CONSTRAINT voucher_quantity_check CHECK (quantity > 0),
    CONSTRAINT voucher_state_check CHECK (state IN ('active', 'used', 'cancelled')),
    CONSTRAINT voucher_validity_check CHECK (valid_until > purchased_at),
    CONSTRAINT voucher_used_check CHECK (
        (state = 'used') = (redeemed_at IS NOT NULL)
        AND num_nonnulls(redeemed_account_id, redeemed_site_id, redeemed_at) IN (0, 3)),
    CONSTRAINT voucher_cancel_reason_check CHECK (state = 'cancelled' OR cancel_reason IS NULL)
);
CREATE INDEX voucher_batch_idx ON license.voucher (batch);
CREATE INDEX voucher_site_idx ON license.voucher (redeemed_account_id, redeemed_site_id);
COMMENT ON TABLE license.voucher IS 'A code a distributor sells; it grants nothing until it is redeemed, once (M32, M33, M34).';
COMMENT ON COLUMN license.voucher.code IS 'The code, of the same form as a licence key.';
COMMENT ON COLUMN license.voucher.batch IS 'Name of the batch it was made in (P22).';
COMMENT ON COLUMN license.voucher.sku IS 'The offer it grants.';
COMMENT ON COLUMN license.voucher.quantity IS 'Units it grants.';
COMMENT ON COLUMN license.voucher.state IS 'active, used or cancelled.';
COMMENT ON COLUMN license.voucher.purchased_at IS 'When it was made.';
COMMENT ON COLUMN license.voucher.valid_until IS 'Last moment to redeem it, exclusive: three years.';
COMMENT ON COLUMN license.voucher.redeemed_account_id IS 'Who redeemed it.';
COMMENT ON COLUMN license.voucher.redeemed_site_id IS 'For which site.';
COMMENT ON COLUMN license.voucher.redeemed_at IS 'When.';
COMMENT ON COLUMN license.voucher.cancel_reason IS 'Why the provider cancelled it.';
