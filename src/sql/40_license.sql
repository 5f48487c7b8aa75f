-- Licences and their pools

CREATE TABLE license.license (
    account_id bigint NOT NULL,
    license_id bigint NOT NULL DEFAULT license.next_id(),
    sku text NOT NULL,
    site_id bigint,
    key license.license_key NOT NULL DEFAULT license.generate_key(),
    status text NOT NULL DEFAULT 'pending_provision',
    term interval,
    payment_form text,
    starts_at timestamptz,
    ends_at timestamptz,
    partner_id bigint,
    distributor_id bigint,
    modules text[] NOT NULL DEFAULT '{}',
    reason text,
    auto_renew boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    start_rule text NOT NULL,
    connections integer NOT NULL DEFAULT 0,
    sweep_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT license_pkey PRIMARY KEY (account_id, license_id),
    CONSTRAINT license_key_key UNIQUE (key),
    CONSTRAINT license_account_fkey FOREIGN KEY (account_id) REFERENCES license.account (account_id),
    CONSTRAINT license_offer_fkey FOREIGN KEY (sku) REFERENCES license.offer (sku),
    CONSTRAINT license_site_fkey FOREIGN KEY (account_id, site_id) REFERENCES license.site (account_id, site_id),
    CONSTRAINT license_partner_fkey FOREIGN KEY (partner_id) REFERENCES license.account (account_id),
    CONSTRAINT license_distributor_fkey FOREIGN KEY (distributor_id) REFERENCES license.account (account_id),
    CONSTRAINT license_status_check CHECK (status IN
        ('pending_provision', 'pending_start', 'in_use', 'access_denied', 'contract_finalized')),
    CONSTRAINT license_term_check CHECK (term > interval '0'),
    CONSTRAINT license_payment_check CHECK (payment_form IN ('monthly', 'annual')),
    CONSTRAINT license_start_rule_check CHECK (start_rule IN ('immediate', 'on_connections')),
    CONSTRAINT license_version_check CHECK (version > 0),
    CONSTRAINT license_connections_check CHECK (connections >= 0),
    CONSTRAINT license_period_check CHECK (ends_at > starts_at),
    CONSTRAINT license_finite_check CHECK (isfinite(starts_at) AND isfinite(ends_at)),
    CONSTRAINT license_end_needs_start_check CHECK (ends_at IS NULL OR starts_at IS NOT NULL),
    CONSTRAINT license_pending_check CHECK (status NOT IN ('pending_provision', 'pending_start') OR starts_at IS NULL),
    CONSTRAINT license_running_check CHECK (status <> 'in_use' OR starts_at IS NOT NULL),
    CONSTRAINT license_open_end_check CHECK (starts_at IS NULL OR ends_at IS NOT NULL OR term IS NULL),
    CONSTRAINT license_denied_check CHECK (status <> 'access_denied' OR reason <> ''),
    CONSTRAINT license_assigned_check CHECK (start_rule = 'immediate' OR site_id IS NOT NULL
        OR status IN ('pending_provision', 'contract_finalized'))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX license_site_live_key ON license.license (account_id, site_id)
    WHERE start_rule = 'on_connections' AND status IN ('pending_start', 'in_use', 'access_denied');
CREATE INDEX license_site_idx ON license.license (account_id, site_id);
CREATE INDEX license_sweep_idx ON license.license (sweep_at) WHERE sweep_at IS NOT NULL;
CREATE INDEX license_ends_idx ON license.license (ends_at);
CREATE INDEX license_sku_idx ON license.license (account_id, sku);
COMMENT ON TABLE license.license IS 'A licence, whatever the product: one life cycle for all (O16).';
COMMENT ON COLUMN license.license.account_id IS 'The organization the licence was issued to.';
COMMENT ON COLUMN license.license.license_id IS 'Id of the licence.';
COMMENT ON COLUMN license.license.sku IS 'The offer it is an instance of.';
COMMENT ON COLUMN license.license.site_id IS 'The site it is assigned to; NULL until provisioned, or where sites do not matter.';
COMMENT ON COLUMN license.license.key IS 'Licence key; sending it provisions the licence (O11).';
COMMENT ON COLUMN license.license.status IS 'pending_provision, pending_start, in_use, access_denied or contract_finalized; see license.status_transitions().';
COMMENT ON COLUMN license.license.term IS 'Length of the contract; NULL is open-ended.';
COMMENT ON COLUMN license.license.payment_form IS 'monthly or annual.';
COMMENT ON COLUMN license.license.starts_at IS 'Start of the contract; NULL in both pending states (O28).';
COMMENT ON COLUMN license.license.ends_at IS 'End of the contract, exclusive; NULL while pending and for an open-ended licence.';
COMMENT ON COLUMN license.license.partner_id IS 'Partner or integrator.';
COMMENT ON COLUMN license.license.distributor_id IS 'Distributor who issued it.';
COMMENT ON COLUMN license.license.modules IS 'Modules contracted (O36).';
COMMENT ON COLUMN license.license.reason IS 'Why access was denied or the contract finalized.';
COMMENT ON COLUMN license.license.auto_renew IS 'Whether it renews by itself through recurring payment.';
COMMENT ON COLUMN license.license.version IS 'Rises with every change a person would notice. Maintained.';
COMMENT ON COLUMN license.license.start_rule IS 'Start rule of its offer when it was issued.';
COMMENT ON COLUMN license.license.connections IS 'Distinct devices that connected. Maintained by the seat count on license.connection.';
COMMENT ON COLUMN license.license.sweep_at IS 'When the sweep next has something to do for it; NULL: nothing. Maintained.';
COMMENT ON COLUMN license.license.created_at IS 'When it was issued.';

CREATE TABLE license.license_pool (
    account_id bigint NOT NULL,
    license_id bigint NOT NULL,
    pool text NOT NULL,
    maximum integer NOT NULL,
    in_use integer NOT NULL DEFAULT 0,
    CONSTRAINT license_pool_pkey PRIMARY KEY (account_id, license_id, pool),
    CONSTRAINT license_pool_license_fkey FOREIGN KEY (account_id, license_id)
        REFERENCES license.license (account_id, license_id) ON DELETE CASCADE,
    CONSTRAINT license_pool_pool_check CHECK (pool IN ('apartment', 'access_point', 'room', 'user', 'device', 'floating_device')),
    CONSTRAINT license_pool_maximum_check CHECK (maximum >= 0),
    CONSTRAINT license_pool_in_use_check CHECK (in_use >= 0 AND in_use <= maximum)
) WITH (fillfactor = 50);
COMMENT ON TABLE license.license_pool IS 'How many of what a licence covers, and how many are in use (O31).';
COMMENT ON COLUMN license.license_pool.account_id IS 'The organization.';
COMMENT ON COLUMN license.license_pool.license_id IS 'The licence.';
COMMENT ON COLUMN license.license_pool.pool IS 'apartment, access_point, room, user, device or floating_device.';
COMMENT ON COLUMN license.license_pool.maximum IS 'Units bought.';
COMMENT ON COLUMN license.license_pool.in_use IS 'Units taken by seats. Maintained by the seat limit on license.seat.';

CREATE FUNCTION license.status_transitions(OUT from_status text, OUT to_status text, OUT operation text)
RETURNS SETOF record LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 12
AS 'MODULE_PATHNAME', 'license_status_transitions';
COMMENT ON FUNCTION license.status_transitions() IS
'Every change of a licence''s status there is and the operation that makes it; the sweep finalizes too (O16, O26). Raises nothing.';

CREATE FUNCTION license._license_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_license_trg';
COMMENT ON FUNCTION license._license_trg() IS
'Trigger: a new licence takes the start rule of its offer; a changed one may go only the ways of license.status_transitions(), also by plain UPDATE (O26). Errors: LX003, 39P01.';

CREATE TRIGGER license_status BEFORE INSERT OR UPDATE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._license_trg();
