-- Runs that wait, have children, are resumed, and ask for approval.

-- Postgres reads the stored text of every CHECK for each statement that writes, and a list of words
-- is one node there a word; as an array it is one constant (measured: a third of a step's cost).
ALTER TABLE runs
    DROP CONSTRAINT runs_kind_check,
    ADD CONSTRAINT runs_kind_check CHECK (kind = ANY (
        '{analysis,repository_sync,codebase_scan,scan_shard,merge}')),
    DROP CONSTRAINT runs_status_check,
    ADD CONSTRAINT runs_status_check CHECK (status = ANY (
        '{queued,running,waiting,succeeded,failed,canceled}')),
    DROP CONSTRAINT runs_error_code_check,
    ADD CONSTRAINT runs_error_code_check CHECK (error_code = ANY (
        '{repo_too_large,too_many_files,file_too_large,git_fetch_failed,commit_not_found,'
        'repository_forbidden,address_refused,analyzer_timeout,analyzer_failed,'
        'max_attempts_exceeded,superseded,approval_expired,approval_rejected,plan_changed,'
        'child_failed,checks_failed,checks_timed_out,head_moved,merge_refused,unknown_error}')),
    -- The run that began this one, and waits for it.
    ADD COLUMN parent_run_id uuid REFERENCES runs ON DELETE CASCADE,          -- immutable
    -- The failed run that this one goes on from; a failed run is gone on from once.
    ADD COLUMN resumes uuid REFERENCES runs ON DELETE SET NULL,               -- immutable
    -- The first of a chain of resumed runs, by which the world outside knows them all. Null: this one.
    ADD COLUMN origin_id uuid,                                                -- immutable
    ADD COLUMN schedule_id uuid REFERENCES scan_schedules ON DELETE SET NULL, -- immutable
    ADD COLUMN waiting_for text CHECK (waiting_for = ANY ('{approval,children,timer}')),
    ADD CONSTRAINT runs_waiting_check CHECK ((status = 'waiting') = (waiting_for IS NOT NULL));

CREATE INDEX runs_children ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_origin ON runs (origin_id) WHERE origin_id IS NOT NULL;
CREATE UNIQUE INDEX runs_resumed_once ON runs (resumes) WHERE resumes IS NOT NULL;
-- A schedule whose last run is not over begins no other.
CREATE UNIQUE INDEX runs_one_open_per_schedule ON runs (schedule_id)
    WHERE schedule_id IS NOT NULL AND finished_at IS NULL;
-- Open is what has no end. Were the status in the predicate, each change of it would touch every
-- index, and a fence that names a status could be looked up here instead of by its key.
DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (created_at) WHERE finished_at IS NULL;
DROP INDEX runs_pull_request;
CREATE INDEX runs_pull_request ON runs (repository_id, pull_request)
    WHERE pull_request IS NOT NULL AND finished_at IS NULL;

ALTER TABLE run_steps
    DROP CONSTRAINT run_steps_kind_check,
    ADD CONSTRAINT run_steps_kind_check CHECK (kind = ANY (
        '{work,llm,tool,sandbox,wait,approval,external_poll}')),
    DROP CONSTRAINT run_steps_status_check,
    ADD CONSTRAINT run_steps_status_check CHECK (status = ANY ('{succeeded,failed,skipped,canceled}'));

-- Row-level security lets no index on an expression over json be used, so the run has a column.
ALTER TABLE outbox
    DROP CONSTRAINT outbox_queue_check,
    ADD CONSTRAINT outbox_queue_check CHECK (queue = ANY ('{runs,embed,sync,attest,notify}')),
    ADD COLUMN run_id uuid GENERATED ALWAYS AS ((body ->> 'run_id')::uuid) STORED;
DROP INDEX outbox_run;
CREATE INDEX outbox_run ON outbox (run_id);

-- Terminal is final.
CREATE OR REPLACE FUNCTION refuse_leaving_terminal_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'run % is % and stays so', OLD.id, OLD.status
        USING ERRCODE = 'restrict_violation';
END
$$;
DROP TRIGGER terminal_is_final ON runs;
CREATE TRIGGER terminal_is_final BEFORE UPDATE ON runs FOR EACH ROW
    WHEN (OLD.finished_at IS NOT NULL
          AND (NEW.status <> OLD.status OR NEW.finished_at IS DISTINCT FROM OLD.finished_at))
    EXECUTE FUNCTION refuse_leaving_terminal_status();

ALTER TABLE approvals
    DROP CONSTRAINT approvals_status_check,
    ADD CONSTRAINT approvals_status_check
        CHECK (status = ANY ('{pending,approved,rejected,expired,canceled}')),
    ADD CONSTRAINT approvals_scope_check CHECK (scope = ANY (
        '{repo.push,repo.merge,repo.delete,infra.provision,infra.delete,deploy.production}')),
    -- What will happen, as the step that does it reads it.
    ADD COLUMN plan jsonb NOT NULL DEFAULT '{}',             -- immutable
    -- What was approved in its place, and the hash of that.
    ADD COLUMN approved_plan jsonb,
    ADD COLUMN approved_hash text CHECK (approved_hash ~ '^[0-9a-f]{64}$'),
    -- Who decided, whatever it was; nobody when it expired.
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN decided_by text,
    ADD CONSTRAINT approvals_decided_check CHECK ((status = 'pending') = (decided_at IS NULL)),
    ADD CONSTRAINT approvals_approved_check
        CHECK ((status = 'approved') = (approved_at IS NOT NULL AND approved_by IS NOT NULL));
-- A step asks once: a replay finds the answer, it does not ask again.
CREATE UNIQUE INDEX approvals_one_per_step ON approvals (run_id, step_id);

CREATE FUNCTION refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'approval % is % and stays so', OLD.id, OLD.status
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER decided_once BEFORE UPDATE ON approvals FOR EACH ROW
    WHEN (OLD.status <> 'pending')
    EXECUTE FUNCTION refuse_second_decision();

-- Commits a step: everything that is written for it beside its effects, behind the fence, in one
-- statement; so a step without effects is one round trip. Null: the lease is lost, and nothing was
-- written. Otherwise the ids of the outbox rows, in the order of the messages.
CREATE FUNCTION finish_step(
    tenant uuid, run uuid, token bigint, is_fenced boolean, is_resumed boolean,
    step text, step_kind text, step_status text, step_attempt integer,
    step_output jsonb, step_error jsonb, begun timestamptz,
    messages jsonb, trace text, run_summary jsonb
)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    message jsonb;
    id bigint;
    written bigint[] := '{}';
BEGIN
    IF NOT is_fenced THEN
        -- The wall between tenants, for this transaction; nobody waits for ever.
        PERFORM set_config('assay.org_id', tenant::text, true), set_config('lock_timeout', '10s', true);
        -- The fence. An expired lease that nobody took may still commit: the token decides.
        PERFORM FROM runs r
        WHERE r.id = run AND r.lease_token = token AND r.status = 'running'
        FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;

    IF is_resumed THEN
        -- A failed attempt, inherited from the run that this one resumes, may stand there already.
        INSERT INTO run_steps AS s (run_id, org_id, step_id, step_name, kind, status, attempt,
                                    lease_token, output, error, started_at, finished_at)
        VALUES (run, tenant, step, step, step_kind, step_status, step_attempt, token,
                step_output, step_error, least(begun, clock_timestamp()), clock_timestamp())
        ON CONFLICT (run_id, step_id) DO UPDATE
        SET status = excluded.status, attempt = s.attempt + excluded.attempt,
            lease_token = excluded.lease_token, output = excluded.output, error = excluded.error,
            started_at = excluded.started_at, finished_at = excluded.finished_at
        WHERE s.status = 'failed';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'step % of run % is done already', step, run
                USING ERRCODE = 'unique_violation';
        END IF;
    ELSE
        INSERT INTO run_steps (run_id, org_id, step_id, step_name, kind, status, attempt,
                               lease_token, output, error, started_at, finished_at)
        VALUES (run, tenant, step, step, step_kind, step_status, step_attempt, token,
                step_output, step_error, least(begun, clock_timestamp()), clock_timestamp());
    END IF;

    FOR place IN 0 .. coalesce(jsonb_array_length(messages), 0) - 1 LOOP
        message := messages -> place;
        INSERT INTO outbox (org_id, queue, body, traceparent)
        VALUES (tenant, message ->> 'queue', message -> 'body', trace)
        RETURNING outbox.id INTO id;
        written := written || id;
    END LOOP;

    IF run_summary IS NOT NULL THEN
        UPDATE runs r
        SET status = 'succeeded', summary = run_summary, leased_until = NULL,
            finished_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE r.id = run;
    END IF;
    RETURN written;
END
$$;
REVOKE EXECUTE ON FUNCTION finish_step FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finish_step TO assay_functions;

-- Runs whose message may have been lost: a lease ran out, a time has come, or a queued one has
-- waited for long with no message left in the outbox.
CREATE OR REPLACE FUNCTION runs_to_wake(at_most integer)
RETURNS TABLE (run_id uuid, org_id uuid, kind text, traceparent text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT r.id, r.org_id, r.kind, r.traceparent
    FROM runs r
    WHERE r.finished_at IS NULL
      AND ((r.status = 'running' AND r.leased_until < now())
           OR (r.status IN ('queued', 'waiting') AND r.wake_at <= now())
           OR (r.status = 'queued' AND r.wake_at IS NULL AND r.updated_at < now() - interval '5 minutes'
               AND NOT EXISTS (SELECT FROM outbox o WHERE o.run_id = r.id)))
    ORDER BY r.updated_at
    LIMIT at_most
$$;

-- A child is part of its parent's work, not a job of its own.
CREATE OR REPLACE VIEW job_runs WITH (security_invoker = true) AS
SELECT r.id, r.kind AS job_name,
       CASE r.status WHEN 'succeeded' THEN 'ok' WHEN 'failed' THEN 'failed' WHEN 'canceled' THEN 'failed'
            ELSE 'running' END AS status,
       coalesce(r.started_at, r.created_at) AS started_at, r.finished_at,
       coalesce((r.summary ->> 'processed')::integer, 0) AS processed_count, r.error, r.input AS meta
FROM runs r WHERE r.kind <> 'analysis' AND r.parent_run_id IS NULL;
