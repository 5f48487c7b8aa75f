-- Brings the running licences 10000001 and up from :present to :licenses, ten to a site. The first 10000 are
-- due for their first notice. The first of each kind is inserted as a user would, the others are its copies,
-- written with triggers off and indexed afterwards: ten times as fast.
SET client_min_messages = warning;
SET maintenance_work_mem = '1GB';
BEGIN;
INSERT INTO license.site (account_id, site_id, name)
    SELECT 1, 3000000000 + i, 'licensed site ' || i FROM generate_series(:present / 10, (:licenses - 1) / 10) i
    ON CONFLICT DO NOTHING;
INSERT INTO license.license (account_id, license_id, sku, site_id, status, starts_at, ends_at, term)
    SELECT 1, 10000000 + i, '9137958', 3000000000 + (i - 1) / 10, 'in_use', now() - interval '1 day',
        now() + CASE i WHEN 1 THEN interval '20 days' ELSE interval '300 days' END, '1 year'
    FROM unnest(ARRAY[1, 10001]) i WHERE i <= :licenses AND i > :present;
SET LOCAL session_replication_role = replica;
UPDATE pg_index SET indisready = false WHERE indrelid = 'license.license'::regclass;
SELECT format('INSERT INTO license.license (license_id, site_id, key, %1$s)
    SELECT 10000000 + i, 3000000000 + (i - 1) / 10, license.generate_key(), %1$s
    FROM generate_series(%2$s, %3$s) i,
        (SELECT %1$s FROM license.license WHERE account_id = 1 AND license_id = 10000000 + %4$s) t',
    columns, greatest(:present, model) + 1, least(:licenses, until), model)
FROM (VALUES (1, 10000), (10001, 2000000000)) m (model, until),
    (SELECT string_agg(quote_ident(attname), ', ') AS columns FROM pg_attribute
     WHERE attrelid = 'license.license'::regclass AND attnum > 0 AND NOT attisdropped
        AND attname <> ALL ('{license_id,site_id,key}')) c
WHERE greatest(:present, model) < least(:licenses, until)
\gexec
REINDEX TABLE license.license;
COMMIT;
RESET session_replication_role;

-- 10000 of their keys, spread evenly
DROP TABLE IF EXISTS public.some_key;
CREATE TABLE public.some_key AS
    SELECT n, key::text AS key, license_id, gen_random_uuid()::text AS id
    FROM generate_series(1, least(:licenses, 10000)) n
    JOIN license.license ON account_id = 1 AND license_id = 10000001 + (n - 1) * :licenses::bigint / least(:licenses, 10000);
ALTER TABLE public.some_key ADD PRIMARY KEY (n);
VACUUM ANALYZE;
CHECKPOINT;
