-- Enterprise accounts: counting licences in a standard and a floating pool.
-- A counting licence of a site does not belong to them: a site has a date of its own.

CREATE FUNCTION license.create_enterprise(name text, email text, quantity integer, floating integer DEFAULT 0,
    provider_id bigint DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_create_enterprise';
COMMENT ON FUNCTION license.create_enterprise(text, text, integer, integer, bigint, timestamptz) IS
'Creates an enterprise account with its admin and quantity licences for one year, floating of them in the floating pool, and returns account_id. The admin logs in by the account e-mail once license.set_password() was called. Region, currency and time zone are those of the provider account, if given. The e-mail must be a role address of the company; to have another one, create the account with a role address and then update email and email_override together. Levels: provider. Errors: 22004, LX031 quantities, LX040 e-mail, LX041 provider_id is not a provider, 23503 unknown provider_id, 23505 e-mail in use, 23514 empty name.';

CREATE FUNCTION license.split_pools(account_id bigint, floating integer)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_split_pools';
COMMENT ON FUNCTION license.split_pools(bigint, integer) IS
'Makes that many licences of the account floating and the others standard; the total stays. Levels: provider, customer. Errors: 22004, LX005 the account has no counting licences, LX031 not from 0 to the total, LX032 below what is in use, LX041 the user lacks the permission move_licenses.';

CREATE FUNCTION license.add_licenses(account_id bigint, quantity integer, pool text DEFAULT 'device',
    at timestamptz DEFAULT now(), OUT license_id bigint, OUT ends_at timestamptz, OUT price numeric, OUT currency text)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_add_licenses';
COMMENT ON FUNCTION license.add_licenses(bigint, integer, text, timestamptz) IS
'Adds licences to pool device or floating_device, which end with those that the account has. The price is the unit price of the tier of the new total, for the whole days left of the term, rounded to cents; NULL if no price fits. Levels: provider, partner. Errors: 22004, 22023 no such pool, LX005 the account has no counting licences, LX007 they are not valid at that moment, LX031 quantity, LX041 the user lacks the permission buy_licenses.';

CREATE FUNCTION license.renew_account(account_id bigint, at timestamptz DEFAULT now())
RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_renew_account';
COMMENT ON FUNCTION license.renew_account(bigint, timestamptz) IS
'Moves all counting licences of the account to one new end and returns it: a term after their common end, or after at if that has passed. Devices keep their seats. Levels: provider, partner. Errors: 22004, LX005 the account has no counting licences, LX007 they are open-ended, LX041 the user lacks the permission buy_licenses.';

CREATE FUNCTION license.coterm_days(quantity integer[], remaining_days integer[])
RETURNS integer LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'license_coterm_days';
COMMENT ON FUNCTION license.coterm_days(integer[], integer[]) IS
'Returns the days left when licences with different ends are moved to one date: the average of remaining_days weighted by quantity, rounded down to whole days. Levels: all. Errors: 22004, 22023 negative numbers, different lengths or no licence.';

CREATE FUNCTION license._coterm_insert_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_coterm_insert_trg';
COMMENT ON FUNCTION license._coterm_insert_trg() IS
'Trigger: the counting licences of an account end on one date, and its e-mail is a role address. Errors: LX042, LX040, 39P01.';

CREATE FUNCTION license._coterm_update_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_coterm_update_trg';
COMMENT ON FUNCTION license._coterm_update_trg() IS
'Trigger: after the whole statement, the counting licences of an account still end on one date. Errors: LX042, LX040, 39P01.';

CREATE FUNCTION license._account_email_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_account_email_trg';
COMMENT ON FUNCTION license._account_email_trg() IS
'Trigger: the e-mail of an enterprise account stays a role address of the company, unless email_override says why not. Errors: LX040, 39P01.';

CREATE FUNCTION license._admin_email_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_admin_email_trg';
COMMENT ON FUNCTION license._admin_email_trg() IS
'Trigger: the admin of an enterprise account logs in by the account e-mail, so it follows. Errors: 23502, 23505, 39P01.';

CREATE TRIGGER license_coterm_insert AFTER INSERT ON license.license
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION license._coterm_insert_trg();
CREATE TRIGGER license_coterm_update AFTER UPDATE ON license.license
    FOR EACH ROW WHEN (NEW.site_id IS NULL AND NEW.status IN ('in_use', 'access_denied')
        AND (OLD.ends_at, OLD.status, OLD.sku, OLD.account_id, OLD.site_id) IS DISTINCT FROM
            (NEW.ends_at, NEW.status, NEW.sku, NEW.account_id, NEW.site_id))
    EXECUTE FUNCTION license._coterm_update_trg();
CREATE TRIGGER account_email BEFORE UPDATE OF email, email_override ON license.account
    FOR EACH ROW EXECUTE FUNCTION license._account_email_trg();
CREATE TRIGGER account_admin_email AFTER UPDATE OF email ON license.account
    FOR EACH ROW WHEN (OLD.email IS DISTINCT FROM NEW.email)
    EXECUTE FUNCTION license._admin_email_trg();

CREATE VIEW license.enterprise_overview WITH (security_invoker) AS
SELECT a.account_id, a.name AS account, a.email,
    CASE WHEN c.floating = 0 THEN 'standard' WHEN c.standard = 0 THEN 'floating' ELSE 'mixed' END AS type,
    c.standard + c.floating AS total, c.standard, c.floating, c.assigned,
    c.standard + c.floating - c.assigned AS unassigned, c.ends_at
FROM license.account a
JOIN (
    SELECT l.account_id, max(l.ends_at) AS ends_at,
        coalesce(sum(p.maximum) FILTER (WHERE p.pool = 'device'), 0) AS standard,
        coalesce(sum(p.maximum) FILTER (WHERE p.pool = 'floating_device'), 0) AS floating,
        coalesce(sum(p.in_use), 0) AS assigned
    FROM license.license l
    JOIN license.offer o ON o.sku = l.sku AND o.family = 'COUNT'
    LEFT JOIN license.license_pool p ON p.account_id = l.account_id AND p.license_id = l.license_id
        AND p.pool IN ('device', 'floating_device')
    WHERE l.site_id IS NULL AND (l.status IN ('in_use', 'access_denied')
        OR l.status = 'contract_finalized' AND NOT EXISTS (
            SELECT FROM license.license other JOIN license.offer f ON f.sku = other.sku AND f.family = 'COUNT'
            WHERE other.account_id = l.account_id AND other.site_id IS NULL
                AND other.status IN ('in_use', 'access_denied')))
    GROUP BY l.account_id
) c ON c.account_id = a.account_id;
COMMENT ON VIEW license.enterprise_overview IS 'Enterprise accounts: their licences by pool, and how many of them devices have. After the end it shows what a renewal restores.';
COMMENT ON COLUMN license.enterprise_overview.account_id IS 'The account.';
COMMENT ON COLUMN license.enterprise_overview.account IS 'Its name.';
COMMENT ON COLUMN license.enterprise_overview.email IS 'The account e-mail, by which the admin logs in.';
COMMENT ON COLUMN license.enterprise_overview.type IS 'standard, floating or mixed.';
COMMENT ON COLUMN license.enterprise_overview.total IS 'Licences bought.';
COMMENT ON COLUMN license.enterprise_overview.standard IS 'Licences that the admin gives to devices.';
COMMENT ON COLUMN license.enterprise_overview.floating IS 'Licences that move between devices by the floating strategy.';
COMMENT ON COLUMN license.enterprise_overview.assigned IS 'Licences that devices have.';
COMMENT ON COLUMN license.enterprise_overview.unassigned IS 'Licences that no device has.';
COMMENT ON COLUMN license.enterprise_overview.ends_at IS 'The one date on which all end, exclusive.';
