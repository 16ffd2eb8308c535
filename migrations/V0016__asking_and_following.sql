-- Runs that are asked for again are asked once for each time at which they are due, and then less
-- and less often. Findings of a scan are told which of them the scan before had.

ALTER TABLE runs
    -- When the scheduler last asked for the run, and how often since it was due.
    ADD COLUMN asked_at timestamptz,
    ADD COLUMN asks integer NOT NULL DEFAULT 0 CHECK (asks >= 0);

-- Since when nobody does what has to be done about a run: its worker is gone, its time has come, or
-- its message should have arrived long ago. Null: there is nothing to be done.
CREATE FUNCTION run_due_at(status text, leased_until timestamptz, wake_at timestamptz, updated_at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE
AS $$
    SELECT CASE status WHEN 'running' THEN leased_until
                       WHEN 'waiting' THEN wake_at
                       WHEN 'queued' THEN coalesce(wake_at, updated_at + interval '5 minutes') END
$$;

-- The message that asked is on its way or waits in a queue that does not drop it, so the next one is
-- only for the case that it was lost after all: after 5 minutes, and twice as late each time.
CREATE OR REPLACE FUNCTION runs_to_wake(at_most integer)
RETURNS TABLE (run_id uuid, org_id uuid, kind text, traceparent text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT r.id, r.org_id, r.kind, r.traceparent
    FROM runs r, run_due_at(r.status, r.leased_until, r.wake_at, r.updated_at) due
    WHERE r.finished_at IS NULL
      AND due <= now()
      AND (r.asked_at IS NULL OR r.asked_at < due
           OR r.asked_at < now() - least(interval '5 minutes' * 2 ^ (least(r.asks, 5) - 1), interval '1 hour'))
      AND (r.status <> 'queued' OR r.wake_at IS NOT NULL
           OR NOT EXISTS (SELECT FROM outbox o WHERE o.run_id = r.id))
    ORDER BY r.asked_at NULLS FIRST, due
    LIMIT at_most
$$;

-- What a scan finds is written shard by shard; which of it was known is only seen when all is there.
GRANT UPDATE (state, deciding, lineage, metadata) ON findings TO assay_functions;
