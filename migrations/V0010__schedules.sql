-- Schedules that catch up, or do not, and say what they left out.

ALTER TABLE scan_schedules
    -- latest: of the slots that nobody saw to in time, the newest is run. skip: none is.
    ADD COLUMN catch_up text NOT NULL DEFAULT 'latest' CHECK (catch_up IN ('latest', 'skip')),
    -- The newest slot that was not run, and why; last_run_at is the newest that was.
    ADD COLUMN last_skipped_at timestamptz,
    ADD COLUMN last_skip_reason text CHECK (last_skip_reason IN ('overlap', 'late', 'unreadable')),
    ADD CONSTRAINT scan_schedules_skip_check
        CHECK ((last_skipped_at IS NULL) = (last_skip_reason IS NULL));

CREATE INDEX scan_schedules_newest ON scan_schedules (org_id, created_at DESC, id DESC);
CREATE INDEX scan_schedules_repository ON scan_schedules (repo_id);

-- Schedules whose slot has come at a moment, for the scheduler; oldest first. Those of a
-- repository that nobody looks at keep their slot until someone does again.
CREATE FUNCTION due_scan_schedules(as_of timestamptz, at_most integer)
RETURNS TABLE (org_id uuid, schedule_id uuid, due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT s.org_id, s.id, s.next_run_at
    FROM scan_schedules s
    JOIN repositories r ON r.id = s.repo_id
    LEFT JOIN installations i ON i.id = r.installation_id
    WHERE s.enabled AND s.next_run_at <= as_of
      AND r.enabled AND r.archived_at IS NULL
      AND i.suspended_at IS NULL AND i.deleted_at IS NULL
    ORDER BY s.next_run_at, s.id
    LIMIT at_most
$$;

REVOKE EXECUTE ON FUNCTION due_scan_schedules FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_scan_schedules TO assay_functions;
