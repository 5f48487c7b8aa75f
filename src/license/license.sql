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
    modules text[] NOT NULL,
    reason text,
    auto_renew boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    start_rule text NOT NULL,
    base_module text NOT NULL,
    subscription text NOT NULL,
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
    CONSTRAINT license_status_check CHECK (status = ANY ('{pending_provision,pending_start,in_use,access_denied,contract_finalized}')),
    CONSTRAINT license_modules_check CHECK (license._are_plain_texts(modules, 100, 100)),
    CONSTRAINT license_reason_check CHECK (license._is_prose(reason, 1000)),
    CONSTRAINT license_term_check CHECK (term > interval '0'),
    CONSTRAINT license_payment_check CHECK (payment_form = ANY ('{monthly,annual}')),
    CONSTRAINT license_start_rule_check CHECK (start_rule = ANY ('{immediate,on_connections}')),
    CONSTRAINT license_base_module_check CHECK (base_module = '' OR base_module = ANY (modules)),
    CONSTRAINT license_subscription_check CHECK (subscription = ANY ('{none,regular,trial,internal}')),
    CONSTRAINT license_version_check CHECK (version > 0),
    CONSTRAINT license_connections_check CHECK (connections >= 0),
    CONSTRAINT license_period_check CHECK (ends_at > starts_at),
    CONSTRAINT license_finite_check CHECK (isfinite(starts_at) AND isfinite(ends_at)),
    CONSTRAINT license_end_needs_start_check CHECK (ends_at IS NULL OR starts_at IS NOT NULL),
    CONSTRAINT license_pending_check CHECK (status <> ALL ('{pending_provision,pending_start}') OR starts_at IS NULL),
    CONSTRAINT license_running_check CHECK (status <> 'in_use' OR starts_at IS NOT NULL),
    CONSTRAINT license_open_end_check CHECK (starts_at IS NULL OR ends_at IS NOT NULL OR term IS NULL),
    CONSTRAINT license_denied_check CHECK (status <> 'access_denied' OR reason IS NOT NULL),
    CONSTRAINT license_assigned_check CHECK (start_rule = 'immediate' OR site_id IS NOT NULL
        OR status = ANY ('{pending_provision,contract_finalized}'))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX license_site_live_key ON license.license (account_id, site_id)
    WHERE start_rule = 'on_connections' AND status IN ('pending_start', 'in_use', 'access_denied');
CREATE UNIQUE INDEX license_subscription_key ON license.license (account_id, sku)
    WHERE subscription <> 'none' AND status IN ('pending_start', 'in_use', 'access_denied');
CREATE UNIQUE INDEX license_trial_key ON license.license (account_id, sku) WHERE subscription = 'trial';
-- For key = '...' without schema license on the search_path. Not unique: ON CONFLICT (key) looks at license_key_key only.
CREATE INDEX license_key_text_idx ON license.license ((key::text));
CREATE INDEX license_site_idx ON license.license (account_id, site_id);
CREATE INDEX license_sweep_idx ON license.license (sweep_at) WHERE sweep_at IS NOT NULL;
CREATE INDEX license_ends_idx ON license.license (ends_at);
CREATE INDEX license_sku_idx ON license.license (account_id, sku);
CREATE INDEX license_starts_idx ON license.license (starts_at);
CREATE INDEX license_status_idx ON license.license (status, account_id);
CREATE INDEX license_modules_idx ON license.license USING gin (modules);
COMMENT ON TABLE license.license IS 'A licence, whatever the product: one life cycle for all.';
COMMENT ON COLUMN license.license.account_id IS 'The organization the licence was issued to.';
COMMENT ON COLUMN license.license.license_id IS 'Id of the licence.';
COMMENT ON COLUMN license.license.sku IS 'The offer it is an instance of.';
COMMENT ON COLUMN license.license.site_id IS 'The site it is assigned to; NULL until provisioned, or where sites do not matter.';
COMMENT ON COLUMN license.license.key IS 'Licence key; sending it provisions the licence.';
COMMENT ON COLUMN license.license.status IS 'pending_provision, pending_start, in_use, access_denied or contract_finalized; see license.status_transitions().';
COMMENT ON COLUMN license.license.term IS 'Length of the contract; NULL is open-ended. That of its offer when a new licence names neither a term nor a start without end.';
COMMENT ON COLUMN license.license.payment_form IS 'monthly or annual.';
COMMENT ON COLUMN license.license.starts_at IS 'Start of the contract; NULL in both pending states.';
COMMENT ON COLUMN license.license.ends_at IS 'End of the contract, exclusive; NULL while pending and for an open-ended licence.';
COMMENT ON COLUMN license.license.partner_id IS 'Partner or integrator.';
COMMENT ON COLUMN license.license.distributor_id IS 'Distributor who issued it.';
COMMENT ON COLUMN license.license.modules IS 'Modules contracted. Those of its offer when NULL is given.';
COMMENT ON COLUMN license.license.reason IS 'Why access was denied or the contract finalized.';
COMMENT ON COLUMN license.license.auto_renew IS 'Whether it renews by itself through recurring payment.';
COMMENT ON COLUMN license.license.version IS 'Rises with every change a person would notice. Maintained.';
COMMENT ON COLUMN license.license.start_rule IS 'Start rule of its offer when it was issued.';
COMMENT ON COLUMN license.license.base_module IS 'Module of its offer when it was issued that it may not lack; empty: none. Taken from the offer when NULL is given.';
COMMENT ON COLUMN license.license.subscription IS 'regular, trial or internal for a subscription: a licence that was ordered, or of a user offer. An account has one live of an offer and one trial ever. none for other licences. Maintained.';
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
    CONSTRAINT license_pool_pool_check CHECK (pool = ANY ('{apartment,access_point,room,user,device,floating_device}')),
    CONSTRAINT license_pool_maximum_check CHECK (maximum >= 0),
    CONSTRAINT license_pool_in_use_check CHECK (in_use >= 0 AND in_use <= maximum)
) WITH (fillfactor = 50);
CREATE INDEX license_pool_maximum_idx ON license.license_pool (pool, maximum);
COMMENT ON TABLE license.license_pool IS 'How many of what a licence covers, and how many are in use.';
COMMENT ON COLUMN license.license_pool.account_id IS 'The organization.';
COMMENT ON COLUMN license.license_pool.license_id IS 'The licence.';
COMMENT ON COLUMN license.license_pool.pool IS 'apartment, access_point, room, user, device or floating_device.';
COMMENT ON COLUMN license.license_pool.maximum IS 'Units bought.';
COMMENT ON COLUMN license.license_pool.in_use IS 'Units taken by seats. Maintained by the seat limit on license.seat.';

CREATE FUNCTION license.status_transitions(OUT from_status text, OUT to_status text, OUT operation text)
RETURNS SETOF record LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 12
AS 'MODULE_PATHNAME', 'license_status_transitions';
COMMENT ON FUNCTION license.status_transitions() IS
'Lists the changes of status of a licence, each with the operation that makes it. The sweep finalizes licences, too. Levels: all. Raises nothing.';

CREATE FUNCTION license._license_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_license_trg';
COMMENT ON FUNCTION license._license_trg() IS
'Trigger: a new licence gets the start rule, base module, modules and term of its offer where it has none; a change of status must be listed in license.status_transitions(); a licence at a site on the custom model is not prolonged. Plain UPDATE is checked as well. Errors: LX003, LX010, 39P01.';

CREATE TRIGGER license_status BEFORE INSERT OR UPDATE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._license_trg();
CREATE TRIGGER zz_license_check BEFORE INSERT OR UPDATE ON license.license
    FOR EACH ROW EXECUTE FUNCTION license._row_check_trg();

CREATE FUNCTION license.issue_license(account_id bigint, request_id bigint, at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_issue_license';
COMMENT ON FUNCTION license.issue_license(bigint, bigint, timestamptz) IS
'Issues the licence that a request asks for and returns its license_id. The licence is pending provision, with a new key, a pool of access points or rooms, and the modules of the offer and the request. Levels: provider, distributor. Errors: LX003 issued before, LX030 the offer is not counted in access points or rooms, 23503 no such request, 22004.';

CREATE FUNCTION license.license_document(account_id bigint, license_id bigint)
RETURNS jsonb LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_license_document';
COMMENT ON FUNCTION license.license_document(bigint, bigint) IS
'Returns the contents of the document for the customer: license_key, organization, location, type (basis, quantity, modules, years, payment form), offer, partner, distributor, issued_at. Levels: provider, distributor, partner, customer, reader. Errors: LX005, 22004.';

CREATE FUNCTION license.deny_access(account_id bigint, license_id bigint, reason text, at timestamptz DEFAULT now())
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_deny_access';
COMMENT ON FUNCTION license.deny_access(bigint, bigint, text, timestamptz) IS
'Denies the service of a licence that is pending start or in use, for a reason. Its contract goes on and ends at the same time. Levels: provider, distributor. Errors: LX003 another status, LX005, 22023 empty reason, 22004.';

CREATE FUNCTION license.restore_access(account_id bigint, license_id bigint, at timestamptz DEFAULT now())
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_restore_access';
COMMENT ON FUNCTION license.restore_access(bigint, bigint, timestamptz) IS
'Gives a denied licence the status it had before, while its contract runs. Levels: provider, distributor. Errors: LX003 not denied, or the contract has ended, LX005, 22004.';

CREATE FUNCTION license.finalize(account_id bigint, license_id bigint, reason text, at timestamptz DEFAULT now())
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_finalize';
COMMENT ON FUNCTION license.finalize(bigint, bigint, text, timestamptz) IS
'Terminates the contract of a licence of any status, for a reason. Its dates and seats are kept. Levels: provider, distributor. Errors: LX003 finalized before, LX005, 22023 empty reason, 22004.';

CREATE FUNCTION license.renew(account_id bigint, license_id bigint, term interval DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_renew';
COMMENT ON FUNCTION license.renew(bigint, bigint, interval, timestamptz) IS
'Prolongs a licence by a term (NULL: its own) and returns the new ends_at. While the contract runs, the term is added to its end. Else a new period begins at the given moment, and a finalized licence is in use again. A denied licence stays denied. Terms are counted by the calendar of the account''s time zone. Levels: provider, distributor. Errors: LX003 not started yet, LX005, LX008 another licence lives at the site, LX010 custom site, LX030 a trial, 22023 term not positive or licence without end, 22004.';

CREATE FUNCTION license.license_data(account_id bigint, license_id bigint)
RETURNS jsonb LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_license_data';
COMMENT ON FUNCTION license.license_data(bigint, bigint) IS
'Returns all about a licence in five parts: general, modules, upgrades (its history, oldest first), notifications and assignments (locations with the units configured there). Levels: provider, distributor, partner, customer, reader. Errors: LX005, 22004.';

CREATE FUNCTION license.provision(account_id bigint, site_id bigint, key text, at timestamptz DEFAULT now())
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_provision';
COMMENT ON FUNCTION license.provision(bigint, bigint, text, timestamptz) IS
'Sends a licence key at a site and returns the status of the licence: pending_start, or in_use if its offer starts immediately. The same key at the same site again changes nothing. A refused key leaves no row, but is in the server log, where only its first group is shown. Levels: provider, customer. Errors: LX003 finalized, LX004 malformed, LX005 unknown key, LX006 other organization or site, LX008 a licence lives at the site (two keys at once above READ COMMITTED: 23505 or 40001), LX010 custom site, LX024 region, 23503 no such site, 22004.';

CREATE FUNCTION license.validate(key text, device_code text DEFAULT NULL, module text DEFAULT NULL,
    at timestamptz DEFAULT now(),
    OUT valid boolean, OUT code text, OUT detail text, OUT account_id bigint, OUT license_id bigint,
    OUT status text, OUT starts_at timestamptz, OUT ends_at timestamptz, OUT warnings text[])
RETURNS record LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'license_validate';
COMMENT ON FUNCTION license.validate(text, text, text, timestamptz) IS
'Tells whether a key gives service at a moment, to a device and for a module if they are named. The code is the first that applies: KEY_MALFORMED, NOT_FOUND, PENDING_PROVISION, ACCESS_DENIED, CONTRACT_FINALIZED, EXPIRED, NOT_YET_VALID, MODULE_NOT_INCLUDED, DEVICE_UNKNOWN, DEVICE_WITHOUT_SEAT, PENDING_START (valid), VALID. In a device pool, a device needs a live seat of its own, in a user pool, one of its user. Licences for apartments, access points or rooms cover the devices at their site and at sites assigned to them, but paid devices only in an apartment. Warnings: EXPIRING_SOON, POOL_FULL. Writes nothing and works on a standby. Levels: provider, distributor, customer, service. Raises nothing, whatever the texts.';
