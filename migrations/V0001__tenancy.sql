-- The wall between tenants, on which every later table stands.
--
-- The migrator's role owns all tables and is the only one that row-level security does not
-- bind. Functions connect as a login role that is a member of assay_functions.

CREATE EXTENSION IF NOT EXISTS vector;

DO $$
BEGIN
    CREATE ROLE assay_functions NOLOGIN;
EXCEPTION
    -- Roles belong to the server, not the database; a sibling migration may be creating it now.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO assay_functions;

-- The tenant of the current transaction. Without one it is null, and null equals no row's org_id.
CREATE FUNCTION assay_org() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('assay.org_id', true), '')::uuid;

-- Puts a table that has an org_id behind the wall and grants the functions what they may do.
CREATE FUNCTION enable_tenant_rls(target regclass, privileges text DEFAULT 'SELECT, INSERT, UPDATE, DELETE')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    -- The sub-select is evaluated once a statement, not once a row.
    EXECUTE format(
        'CREATE POLICY tenant ON %s USING (org_id = (SELECT assay_org())) WITH CHECK (org_id = (SELECT assay_org()))',
        target
    );
    EXECUTE format('GRANT %s ON %s TO assay_functions', privileges, target);
END
$$;

-- Attached to rows that are evidence: nobody changes them, the owner included.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
