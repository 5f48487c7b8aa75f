-- Accounts

CREATE TABLE license.account (
    account_id bigint NOT NULL DEFAULT license.next_id(),
    parent_id bigint,
    kind text NOT NULL DEFAULT 'client',
    name text NOT NULL,
    email text,
    email_override text,
    region text NOT NULL DEFAULT 'EU',
    currency text NOT NULL DEFAULT 'EUR',
    time_zone text NOT NULL DEFAULT 'UTC',
    floating_strategy text NOT NULL DEFAULT 'none',
    floating_min_idle interval NOT NULL DEFAULT '20 minutes',
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    CONSTRAINT account_pkey PRIMARY KEY (account_id),
    CONSTRAINT account_parent_fkey FOREIGN KEY (parent_id) REFERENCES license.account (account_id),
    CONSTRAINT account_parent_check CHECK (parent_id <> account_id),
    CONSTRAINT account_kind_check CHECK (kind IN ('provider', 'distributor', 'partner', 'client', 'internal')),
    CONSTRAINT account_name_check CHECK (license._is_plain_text(name, 200)),
    CONSTRAINT account_email_check CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:].]+$'),
    CONSTRAINT account_email_text_check CHECK (license._is_plain_text(email, 254)),
    CONSTRAINT account_email_override_check CHECK (license._is_prose(email_override, 1000)),
    CONSTRAINT account_region_check CHECK (license._is_plain_text(region, 50)),
    CONSTRAINT account_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT account_time_zone_check CHECK (CASE WHEN license._is_plain_text(time_zone, 64)
        THEN timezone(time_zone, timestamptz '2000-01-01 00:00:00+00') IS NOT NULL ELSE false END),
    CONSTRAINT account_floating_strategy_check CHECK (floating_strategy IN ('none', 'idle_longest', 'priority')),
    CONSTRAINT account_floating_min_idle_check CHECK (floating_min_idle >= interval '0')
);
CREATE UNIQUE INDEX account_email_key ON license.account (lower(email));
CREATE INDEX account_parent_idx ON license.account (parent_id);

-- Counters that operations write stand beside the account, whose row they would lock against every row that
-- refers to it.
CREATE TABLE license.account_counter (
    account_id bigint NOT NULL,
    last_device_number integer NOT NULL DEFAULT 0,
    order_count integer NOT NULL DEFAULT 0,
    CONSTRAINT account_counter_pkey PRIMARY KEY (account_id),
    CONSTRAINT account_counter_account_fkey FOREIGN KEY (account_id)
        REFERENCES license.account (account_id) ON DELETE CASCADE,
    CONSTRAINT account_counter_device_check CHECK (last_device_number >= 0),
    CONSTRAINT account_counter_order_check CHECK (order_count >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE license.account_counter IS 'Counters of an account. Its row is created when one is needed first. Maintained.';
COMMENT ON COLUMN license.account_counter.account_id IS 'The account.';
COMMENT ON COLUMN license.account_counter.last_device_number IS 'Highest number of a device code ever given up: numbers are never given out again.';
COMMENT ON COLUMN license.account_counter.order_count IS 'Orders placed. Each order counts it up first, so that orders of one account follow one another.';

COMMENT ON TABLE license.account IS 'A tenant. Accounts form a tree: provider, distributors, partners, clients.';
COMMENT ON COLUMN license.account.account_id IS 'The tenant every other row belongs to.';
COMMENT ON COLUMN license.account.parent_id IS 'The account above in the tree; NULL at the top.';
COMMENT ON COLUMN license.account.kind IS 'provider, distributor, partner, client or internal.';
COMMENT ON COLUMN license.account.name IS 'Name shown in lists.';
COMMENT ON COLUMN license.account.email IS 'Account e-mail: unique over all accounts whatever its case, and where notices go.';
COMMENT ON COLUMN license.account.email_override IS 'Why an address that is not role-based was accepted.';
COMMENT ON COLUMN license.account.region IS 'Sales region, such as EU, US or APAC.';
COMMENT ON COLUMN license.account.currency IS 'ISO 4217 code of the one currency of this account.';
COMMENT ON COLUMN license.account.time_zone IS 'Zone in which calendar months and days of this account are counted.';
COMMENT ON COLUMN license.account.floating_strategy IS 'How a full floating pool finds a seat: none, idle_longest or priority.';
COMMENT ON COLUMN license.account.floating_min_idle IS 'How long a device must have been idle before its floating seat may be moved.';
COMMENT ON COLUMN license.account.created_at IS 'When the account was created.';
COMMENT ON COLUMN license.account.closed_at IS 'When it was closed; NULL while it is open.';

CREATE FUNCTION license._account_tree_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_account_tree_trg';
COMMENT ON FUNCTION license._account_tree_trg() IS
'Trigger: no account may be above itself. Errors: 23514, 39P01.';

CREATE TRIGGER account_tree AFTER INSERT OR UPDATE OF parent_id, account_id ON license.account
    FOR EACH ROW EXECUTE FUNCTION license._account_tree_trg();

CREATE FUNCTION license._account_kind_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_account_kind_trg';
COMMENT ON FUNCTION license._account_kind_trg() IS
'Trigger: an account with internal licences cannot become a client, and one with offers enabled stays a partner. Errors: LX030, 23514, 39P01.';

CREATE TRIGGER account_kind AFTER UPDATE OF kind ON license.account
    FOR EACH ROW EXECUTE FUNCTION license._account_kind_trg();

CREATE FUNCTION license._base_currency(account_id bigint) RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'license_base_currency';
COMMENT ON FUNCTION license._base_currency(bigint) IS
'Returns the currency an account is charged in: that of the nearest partner at or above it, else its own. NULL if the caller may not see the account. Errors: 23503 unknown account.';
