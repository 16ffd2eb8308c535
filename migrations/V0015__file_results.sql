-- What came of examining a file, so that it is not examined again.

-- A tenant's own: a shared cache would tell by its speed what another tenant has. Everything here
-- can be deleted at any time; it is found out anew.
CREATE TABLE file_results (
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    -- sha256 of all that the result depends on: the file's bytes and path, the rules, the engine.
    key bytea NOT NULL CHECK (octet_length(key) = 32),       -- immutable
    -- A check sum, and findings as they may be shown: no secret stands in it.
    result bytea NOT NULL CHECK (octet_length(result) <= 131072),
    -- Brought up to date once a week, not at each use.
    used_on date NOT NULL DEFAULT current_date,
    PRIMARY KEY (org_id, key)
);
CREATE INDEX file_results_unused ON file_results (used_on);
SELECT enable_tenant_rls('file_results');

-- Deletes results of any tenant that nobody asked for since a day; for the scheduler.
CREATE FUNCTION forget_file_results(unused_since date, at_most integer)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    WITH gone AS (
        DELETE FROM file_results WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM file_results WHERE used_on < unused_since
            ORDER BY used_on LIMIT at_most FOR UPDATE SKIP LOCKED))
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

REVOKE EXECUTE ON FUNCTION forget_file_results FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_file_results TO assay_functions;
