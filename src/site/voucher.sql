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
    CONSTRAINT voucher_batch_check CHECK (license._is_plain_text(batch, 200)),
    CONSTRAINT voucher_cancel_reason_text_check CHECK (license._is_prose(cancel_reason, 1000)),
    CONSTRAINT voucher_cancel_reason_check CHECK (state = 'cancelled' OR cancel_reason IS NULL)
);
CREATE INDEX voucher_code_text_idx ON license.voucher ((code::text));
CREATE INDEX voucher_batch_idx ON license.voucher (batch);
CREATE INDEX voucher_site_idx ON license.voucher (redeemed_account_id, redeemed_site_id);
COMMENT ON TABLE license.voucher IS 'A code that a distributor sells. It is redeemed once and grants nothing until then.';
COMMENT ON COLUMN license.voucher.code IS 'The code, of the same form as a licence key.';
COMMENT ON COLUMN license.voucher.batch IS 'Name of the batch it was made in.';
COMMENT ON COLUMN license.voucher.sku IS 'The offer it grants.';
COMMENT ON COLUMN license.voucher.quantity IS 'Units it grants.';
COMMENT ON COLUMN license.voucher.state IS 'active, used or cancelled.';
COMMENT ON COLUMN license.voucher.purchased_at IS 'When it was made.';
COMMENT ON COLUMN license.voucher.valid_until IS 'Last moment to redeem it, exclusive: three years.';
COMMENT ON COLUMN license.voucher.redeemed_account_id IS 'Who redeemed it.';
COMMENT ON COLUMN license.voucher.redeemed_site_id IS 'For which site.';
COMMENT ON COLUMN license.voucher.redeemed_at IS 'When.';
COMMENT ON COLUMN license.voucher.cancel_reason IS 'Why the provider cancelled it.';

CREATE FUNCTION license._voucher_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_voucher_trg';
COMMENT ON FUNCTION license._voucher_trg() IS
'Trigger: a used voucher cannot be changed or removed, a cancelled one stays cancelled, and only license.redeem_voucher() uses one. Errors: LX003, LX021, LX022, 39P01.';

CREATE TRIGGER zz_voucher_check BEFORE INSERT OR UPDATE ON license.voucher
    FOR EACH ROW EXECUTE FUNCTION license._row_check_trg();
CREATE TRIGGER voucher_change BEFORE UPDATE OR DELETE ON license.voucher
    FOR EACH ROW EXECUTE FUNCTION license._voucher_trg();

CREATE FUNCTION license._voucher_truncated_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_voucher_truncated_trg';
COMMENT ON FUNCTION license._voucher_truncated_trg() IS
'Trigger: refuses TRUNCATE while there are used vouchers. Errors: LX021, 39P01.';

CREATE TRIGGER voucher_truncated BEFORE TRUNCATE ON license.voucher
    FOR EACH STATEMENT EXECUTE FUNCTION license._voucher_truncated_trg();

CREATE FUNCTION license.create_vouchers(sku text, vouchers integer, quantity integer DEFAULT 1,
    batch text DEFAULT NULL, at timestamptz DEFAULT now(), OUT code license.license_key)
RETURNS SETOF license.license_key LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_create_vouchers';
COMMENT ON FUNCTION license.create_vouchers(text, integer, integer, text, timestamptz) IS
'Makes that many voucher codes (1 to 100000). Each can be redeemed for quantity units (1 to 100000) of the offer within three years of at, and grants nothing until then. Levels: provider, distributor. Errors: LX030 no such offer, LX031 vouchers or quantity, 22004.';

CREATE FUNCTION license.redeem_voucher(account_id bigint, site_id bigint, code text,
    at timestamptz DEFAULT now(), OUT quantity integer, OUT action text, OUT ends_at timestamptz)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 2
AS 'MODULE_PATHNAME', 'license_redeem_voucher';
COMMENT ON FUNCTION license.redeem_voucher(bigint, bigint, text, timestamptz) IS
'Redeems a voucher once: grants its units to a site from at on. They first cover what needs a licence and has none (action added). The rest prolongs the licences that end first by the term of the offer, each from its own end (action extended). Where no licence runs, all units are added. Levels: provider, customer. Errors: LX004 malformed, LX020 unknown, LX021 used, LX022 cancelled, LX023 expired, LX010 site on the custom model, LX012 site without a type, LX024 region, LX030 not for this type of site, 23503 no such site, 22004.';

CREATE FUNCTION license.cancel_voucher(code text, reason text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_cancel_voucher';
COMMENT ON FUNCTION license.cancel_voucher(text, text) IS
'Cancels a voucher that was not redeemed; this cannot be undone. Levels: provider. Errors: LX004 malformed, LX020 unknown, LX021 used, LX022 cancelled before, 22023 empty reason, 22004.';

CREATE VIEW license.voucher_batch WITH (security_invoker = true) AS
SELECT batch, sku, count(*)::integer AS vouchers,
    (count(*) FILTER (WHERE state = 'active' AND valid_until > now()))::integer AS unused,
    (count(*) FILTER (WHERE state = 'used'))::integer AS used,
    (count(*) FILTER (WHERE state = 'cancelled'))::integer AS cancelled,
    (count(*) FILTER (WHERE state = 'active' AND valid_until <= now()))::integer AS expired
FROM license.voucher
GROUP BY batch, sku;
COMMENT ON VIEW license.voucher_batch IS 'Per batch of vouchers: how many are used, unused, cancelled and expired.';
COMMENT ON COLUMN license.voucher_batch.batch IS 'Name of the batch; NULL for vouchers made without one.';
COMMENT ON COLUMN license.voucher_batch.sku IS 'The offer the vouchers grant.';
COMMENT ON COLUMN license.voucher_batch.vouchers IS 'How many there are.';
COMMENT ON COLUMN license.voucher_batch.unused IS 'How many can be redeemed now.';
COMMENT ON COLUMN license.voucher_batch.used IS 'How many were redeemed.';
COMMENT ON COLUMN license.voucher_batch.cancelled IS 'How many were cancelled.';
COMMENT ON COLUMN license.voucher_batch.expired IS 'How many were not redeemed in time.';
