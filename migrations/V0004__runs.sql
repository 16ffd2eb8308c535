-- Durable work. Postgres is the truth, a queue message is only a hint.

CREATE TABLE runs (
    id uuid PRIMARY KEY,                                     -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid REFERENCES projects ON DELETE CASCADE,   -- immutable
    repository_id uuid REFERENCES repositories ON DELETE CASCADE,     -- immutable
    kind text NOT NULL CHECK (kind IN ('analysis', 'repository_sync')),  -- immutable
    -- What makes two requests the same request.
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 512),  -- immutable
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'canceled')),
    -- What asked for it: pull_request, push, manual, schedule.
    event_type text NOT NULL,                                -- immutable
    ref text,                                                -- immutable
    commit_sha text,                                         -- immutable once set
    pull_request integer,                                    -- immutable
    input jsonb NOT NULL DEFAULT '{}',                       -- immutable
    summary jsonb,
    error_code text CHECK (error_code IN (
        'repo_too_large', 'too_many_files', 'file_too_large', 'git_fetch_failed', 'commit_not_found',
        'repository_forbidden', 'address_refused', 'analyzer_timeout', 'analyzer_failed',
        'max_attempts_exceeded', 'superseded', 'unknown_error')),
    error text,
    -- Grows with every claim. A step is committed only by the holder of the current token.
    lease_token bigint NOT NULL DEFAULT 0,
    leased_until timestamptz,
    wake_at timestamptz,
    -- Claims since the last finished step: a run that kills its workers is given up.
    claims_since_progress integer NOT NULL DEFAULT 0,
    -- All claims.
    attempts integer NOT NULL DEFAULT 0,
    -- The last thing that went wrong and was retried.
    last_error text,
    traceparent text,                                        -- immutable
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    started_at timestamptz,                                  -- immutable once set
    finished_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (org_id, kind, idempotency_key),
    CHECK ((status IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL)),
    CHECK (status <> 'failed' OR error_code IS NOT NULL)
);
CREATE INDEX runs_newest ON runs (org_id, created_at DESC, id DESC);
CREATE INDEX runs_commit ON runs (repository_id, commit_sha, created_at DESC);
CREATE INDEX runs_pull_request ON runs (repository_id, pull_request)
    WHERE pull_request IS NOT NULL AND status IN ('queued', 'running', 'waiting');
CREATE INDEX runs_open ON runs (updated_at) WHERE status IN ('queued', 'running', 'waiting');
SELECT enable_tenant_rls('runs', 'SELECT, INSERT, UPDATE');

-- Terminal states are final, whatever the code believes.
CREATE FUNCTION refuse_leaving_terminal_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'run % is % and cannot become %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER terminal_is_final BEFORE UPDATE ON runs FOR EACH ROW
    WHEN (OLD.status IN ('succeeded', 'failed', 'canceled') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION refuse_leaving_terminal_status();

CREATE TABLE run_steps (
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,  -- immutable
    step_id text NOT NULL,                                   -- immutable
    org_id uuid NOT NULL,                                    -- immutable
    step_name text NOT NULL,
    kind text NOT NULL DEFAULT 'work'
        CHECK (kind IN ('work', 'llm', 'tool', 'sandbox', 'wait', 'approval', 'external_poll')),
    status text NOT NULL CHECK (status IN ('succeeded', 'failed', 'skipped', 'canceled')),
    attempt integer NOT NULL DEFAULT 1,
    -- Under which lease it was committed.
    lease_token bigint NOT NULL,
    input jsonb,
    output jsonb,
    error jsonb,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, step_id)
);
SELECT enable_tenant_rls('run_steps', 'SELECT, INSERT, UPDATE');

-- A message that must be sent. The row goes only after the queue has confirmed it.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,      -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    queue text NOT NULL CHECK (queue IN ('runs', 'embed', 'sync', 'attest', 'notify')),  -- immutable
    body jsonb NOT NULL,                                     -- immutable
    traceparent text,                                        -- immutable
    -- The sender gets until then before the sweeper helps.
    next_at timestamptz NOT NULL DEFAULT now() + interval '30 seconds',
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE INDEX outbox_due ON outbox (next_at);
CREATE INDEX outbox_run ON outbox ((body ->> 'run_id'));
SELECT enable_tenant_rls('outbox');

CREATE TABLE webhook_deliveries (
    source text NOT NULL CHECK (source IN ('github', 'chatwoot')),  -- immutable
    delivery_id text NOT NULL CHECK (length(delivery_id) BETWEEN 1 AND 200),  -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,          -- immutable
    event text NOT NULL,                                     -- immutable
    repo_owner text,                                         -- immutable
    repo_name text,                                          -- immutable
    run_id uuid REFERENCES runs ON DELETE SET NULL,
    -- Why nothing was to be done, when nothing was.
    ignored_reason text,
    received_at timestamptz NOT NULL DEFAULT now(),          -- immutable
    PRIMARY KEY (org_id, source, delivery_id)
);
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (org_id, received_at DESC);
SELECT enable_tenant_rls('webhook_deliveries', 'SELECT, INSERT, UPDATE');

CREATE TABLE repo_syncs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    repository_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,  -- immutable
    run_id uuid UNIQUE REFERENCES runs ON DELETE SET NULL,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'success', 'failed')),
    -- Null when the content was unchanged and no new version was made.
    manifest_id uuid REFERENCES project_manifests ON DELETE SET NULL,
    error_message text,
    started_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    finished_at timestamptz
);
CREATE INDEX repo_syncs_newest ON repo_syncs (repository_id, started_at DESC);
SELECT enable_tenant_rls('repo_syncs', 'SELECT, INSERT, UPDATE');

CREATE TABLE approvals (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid REFERENCES projects ON DELETE CASCADE,   -- immutable
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,  -- immutable
    step_id text,                                            -- immutable
    scope text NOT NULL,                                     -- immutable
    intent_summary text NOT NULL,                            -- immutable
    -- Hex sha256 of exactly what will happen when this is approved.
    intent_hash text NOT NULL CHECK (intent_hash ~ '^[0-9a-f]{64}$'),  -- immutable
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected', 'expired')),
    approved_at timestamptz,                                 -- immutable once set
    approved_by text,                                        -- immutable once set
    reason text,
    expires_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE INDEX approvals_pending ON approvals (org_id, created_at) WHERE status = 'pending';
CREATE UNIQUE INDEX approvals_one_pending ON approvals (run_id, scope) WHERE status = 'pending';
SELECT enable_tenant_rls('approvals', 'SELECT, INSERT, UPDATE');

CREATE TABLE sandbox_jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid REFERENCES projects ON DELETE CASCADE,   -- immutable
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,  -- immutable
    step_id text,                                            -- immutable
    job_type text NOT NULL,                                  -- immutable
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
    started_at timestamptz,
    ended_at timestamptz,
    exit_code integer,
    transcript_blob_ref text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE INDEX sandbox_jobs_run ON sandbox_jobs (run_id);
SELECT enable_tenant_rls('sandbox_jobs', 'SELECT, INSERT, UPDATE');

CREATE TABLE infra_resources (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    run_id uuid REFERENCES runs ON DELETE SET NULL,
    provider text NOT NULL,                                  -- immutable
    resource_type text NOT NULL,                             -- immutable
    external_id text NOT NULL,                               -- immutable
    region text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, provider, resource_type, external_id)
);
SELECT enable_tenant_rls('infra_resources');

CREATE TABLE deployments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    run_id uuid REFERENCES runs ON DELETE SET NULL,
    provider text NOT NULL,                                  -- immutable
    -- Identity at the provider, never a credential.
    external_project_id text,
    external_deployment_id text,
    deployment_url text,
    status text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE INDEX deployments_project ON deployments (project_id, created_at DESC);
SELECT enable_tenant_rls('deployments', 'SELECT, INSERT, UPDATE');

-- The newest version of each artifact; its row lock makes versions gapless.
CREATE TABLE artifact_heads (
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    kind text NOT NULL,                                      -- immutable
    logical_key text NOT NULL,                               -- immutable
    version integer NOT NULL CHECK (version > 0),
    PRIMARY KEY (project_id, kind, logical_key)
);
SELECT enable_tenant_rls('artifact_heads');

CREATE TABLE artifacts (                                     -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    run_id uuid REFERENCES runs ON DELETE SET NULL,
    kind text NOT NULL,
    logical_key text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    content jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, kind, logical_key, version)
);
SELECT enable_tenant_rls('artifacts', 'SELECT, INSERT');

CREATE TABLE citations (                                     -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    artifact_id uuid NOT NULL REFERENCES artifacts ON DELETE CASCADE,
    -- The n of [[n]] in the artifact's text.
    number integer NOT NULL CHECK (number BETWEEN 1 AND 25),
    source_type text NOT NULL,
    source_ref text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (artifact_id, number)
);
SELECT enable_tenant_rls('citations', 'SELECT, INSERT');

-- Takes due outbox rows and pushes them back, so that two sweepers never send the same row at
-- once: 30 seconds after the first try, doubling up to an hour.
CREATE FUNCTION take_due_outbox(at_most integer)
RETURNS TABLE (id bigint, org_id uuid, queue text, body jsonb, traceparent text, tries integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    UPDATE outbox o
    SET tries = o.tries + 1,
        next_at = now() + least(interval '1 hour', interval '30 seconds' * power(2, least(o.tries, 10)))
    WHERE o.id IN (
        SELECT d.id FROM outbox d WHERE d.next_at <= now()
        ORDER BY d.next_at LIMIT at_most FOR UPDATE SKIP LOCKED
    )
    RETURNING o.id, o.org_id, o.queue, o.body, o.traceparent, o.tries
$$;

CREATE FUNCTION settle_outbox(sent bigint[])
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$ DELETE FROM outbox o WHERE o.id = ANY (sent) $$;

-- Runs whose message may have been lost: a lease ran out, a parked run is due, or a queued one
-- has waited for long with no message left in the outbox.
CREATE FUNCTION runs_to_wake(at_most integer)
RETURNS TABLE (run_id uuid, org_id uuid, kind text, traceparent text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT r.id, r.org_id, r.kind, r.traceparent
    FROM runs r
    WHERE (r.status = 'running' AND r.leased_until < now())
       OR (r.status = 'waiting' AND r.wake_at <= now())
       OR (r.status = 'queued' AND r.updated_at < now() - interval '5 minutes'
           AND NOT EXISTS (
               SELECT FROM outbox o
               WHERE o.org_id = r.org_id AND o.body ->> 'run_id' = r.id::text))
    ORDER BY r.updated_at
    LIMIT at_most
$$;

REVOKE EXECUTE ON FUNCTION take_due_outbox, settle_outbox, runs_to_wake FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_due_outbox, settle_outbox, runs_to_wake TO assay_functions;

-- The source documents' names for the same rows.
CREATE VIEW ci_runs WITH (security_invoker = true) AS
SELECT r.id, p.owner AS repo_owner, p.name AS repo_name, r.ref, r.commit_sha, r.event_type,
       CASE r.status WHEN 'waiting' THEN 'RUNNING' ELSE upper(r.status) END AS status,
       r.created_at, r.started_at, r.finished_at, r.error, upper(r.error_code) AS error_code,
       'runs/' || r.id AS out_dir, r.summary AS summary_json
FROM runs r JOIN repositories p ON p.id = r.repository_id
WHERE r.kind = 'analysis';

CREATE VIEW ci_jobs WITH (security_invoker = true) AS
SELECT r.id, r.id AS run_id,
       CASE WHEN r.status = 'queued' THEN 'READY'
            WHEN r.status IN ('running', 'waiting') THEN 'LEASED'
            WHEN r.error_code = 'max_attempts_exceeded' THEN 'DEAD'
            ELSE 'DONE' END AS status,
       r.attempts, r.leased_until, coalesce(r.error, r.last_error) AS last_error, r.created_at
FROM runs r WHERE r.kind = 'analysis';

CREATE VIEW job_runs WITH (security_invoker = true) AS
SELECT r.id, r.kind AS job_name,
       CASE r.status WHEN 'succeeded' THEN 'ok' WHEN 'failed' THEN 'failed' WHEN 'canceled' THEN 'failed'
            ELSE 'running' END AS status,
       coalesce(r.started_at, r.created_at) AS started_at, r.finished_at,
       coalesce((r.summary ->> 'processed')::integer, 0) AS processed_count, r.error, r.input AS meta
FROM runs r WHERE r.kind <> 'analysis';

GRANT SELECT ON ci_runs, ci_jobs, job_runs TO assay_functions;
