-- What examinations found, and what people decided about it.

CREATE TABLE analyses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    repo_id uuid REFERENCES repositories ON DELETE CASCADE,  -- immutable
    run_id uuid UNIQUE REFERENCES runs ON DELETE SET NULL,   -- immutable
    kind text NOT NULL CHECK (kind IN ('pull_request', 'commit', 'project')),  -- immutable
    pr_number integer CHECK ((kind = 'pull_request') = (pr_number IS NOT NULL)),  -- immutable
    pr_title text,
    ref text,                                                -- immutable
    head_sha text,                                           -- immutable
    base_sha text,                                           -- immutable
    -- Hex sha256 of the raw commit object, so that file-based verifiers can check a statement.
    commit_object_sha256 text CHECK (commit_object_sha256 ~ '^[0-9a-f]{64}$'),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    verdict text CHECK (verdict IN ('passed', 'failed')),
    rules_version text,
    -- Counts of deciding findings by severity, and of the rest.
    counts jsonb NOT NULL DEFAULT '{}',
    dossier text,
    claims jsonb,
    howto jsonb,
    operate jsonb,
    coverage jsonb,
    unknowns jsonb,
    triggered_by uuid REFERENCES users ON DELETE SET NULL,
    error_message text,
    metadata jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (kind = 'project' OR (repo_id IS NOT NULL AND head_sha IS NOT NULL)),
    -- A project's dossier carries no verdict; an examined commit carries one when it is complete.
    CHECK (kind = 'project' OR (status = 'completed') = (verdict IS NOT NULL))
);
CREATE INDEX analyses_newest ON analyses (org_id, created_at DESC, id DESC);
CREATE INDEX analyses_repo ON analyses (repo_id, created_at DESC);
CREATE INDEX analyses_project ON analyses (project_id, created_at DESC);
SELECT enable_tenant_rls('analyses', 'SELECT, INSERT, UPDATE');

CREATE TABLE findings (                                      -- immutable but for the dismissal
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    analysis_id uuid NOT NULL REFERENCES analyses ON DELETE CASCADE,
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,
    rule_id text NOT NULL,
    -- Names the finding across pushes and line shifts.
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    category text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical')),
    title text NOT NULL,
    description text,
    file_path text NOT NULL,
    line_start integer NOT NULL CHECK (line_start > 0),
    line_end integer NOT NULL CHECK (line_end >= line_start),
    code_snippet text,
    snippet_hash text NOT NULL CHECK (snippet_hash ~ '^[0-9a-f]{64}$'),
    fix_suggestion text,
    fix_diff text,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    verification_type text NOT NULL,
    verification_proof text,
    -- new: in the lines that the change touched, or the whole commit when there is no base.
    state text NOT NULL CHECK (state IN ('new', 'existing')),
    -- Whether it counted for the verdict when that was given.
    deciding boolean NOT NULL,
    -- cwe, owasp, demoted.
    metadata jsonb NOT NULL DEFAULT '{}',
    dismissed boolean NOT NULL DEFAULT false,
    dismissed_by text,
    dismissed_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (analysis_id, fingerprint)
);
CREATE INDEX findings_order ON findings (analysis_id, severity, file_path, line_start);
CREATE INDEX findings_fingerprint ON findings (repo_id, fingerprint);
SELECT enable_tenant_rls('findings', 'SELECT, INSERT');
GRANT UPDATE (dismissed, dismissed_by, dismissed_reason) ON findings TO assay_functions;

-- What people decided about a finding. The newest row of a fingerprint counts; none is changed.
CREATE TABLE finding_dispositions (                          -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,
    fingerprint text NOT NULL,
    disposition text NOT NULL CHECK (disposition IN ('dismissed', 'reopened')),
    reason text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 2000),
    decided_by text NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX finding_dispositions_newest ON finding_dispositions (repo_id, fingerprint, created_at DESC);
SELECT enable_tenant_rls('finding_dispositions', 'SELECT, INSERT');

CREATE TABLE custom_rules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    -- Null: for every repository of the organisation.
    repo_id uuid REFERENCES repositories ON DELETE CASCADE,  -- immutable
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    description text,
    rule_type text NOT NULL CHECK (rule_type IN ('pattern', 'ast', 'semantic', 'composite')),
    rule_config jsonb NOT NULL,
    severity text NOT NULL DEFAULT 'medium' CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical')),
    enabled boolean NOT NULL DEFAULT true,
    created_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (org_id, repo_id, name)
);
SELECT enable_tenant_rls('custom_rules');

CREATE TABLE codebase_scans (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,  -- immutable
    run_id uuid UNIQUE REFERENCES runs ON DELETE SET NULL,   -- immutable
    branch text NOT NULL DEFAULT 'main',
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    triggered_by text NOT NULL DEFAULT 'manual' CHECK (triggered_by IN ('manual', 'schedule', 'api')),
    config jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz,
    completed_at timestamptz,
    files_scanned integer NOT NULL DEFAULT 0,
    findings_count integer NOT NULL DEFAULT 0,
    results jsonb,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE INDEX codebase_scans_newest ON codebase_scans (repo_id, created_at DESC);
SELECT enable_tenant_rls('codebase_scans', 'SELECT, INSERT, UPDATE');

CREATE TABLE scan_schedules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,  -- immutable
    branch text NOT NULL DEFAULT 'main',
    cron_expression text NOT NULL CHECK (length(cron_expression) <= 100),
    time_zone text NOT NULL DEFAULT 'UTC',
    config jsonb NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    last_run_at timestamptz,
    next_run_at timestamptz,
    created_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scan_schedules_due ON scan_schedules (next_run_at) WHERE enabled;
SELECT enable_tenant_rls('scan_schedules');

CREATE TABLE trust_score_cache (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,  -- immutable
    file_path text NOT NULL,                                 -- immutable
    commit_sha text NOT NULL,                                -- immutable
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 100),
    risk_level text NOT NULL CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    -- Kept for the document's sake and always 0: Assay makes no claim about who wrote code.
    ai_probability double precision NOT NULL DEFAULT 0 CHECK (ai_probability = 0),
    factors jsonb NOT NULL DEFAULT '{}',
    computed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repo_id, file_path, commit_sha)
);
SELECT enable_tenant_rls('trust_score_cache');

CREATE TABLE diff_summary_cache (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,  -- immutable
    pr_number integer NOT NULL,                              -- immutable
    head_sha text NOT NULL,                                  -- immutable
    title text NOT NULL,
    description text NOT NULL,
    changes jsonb NOT NULL DEFAULT '[]',
    risk_assessment jsonb NOT NULL DEFAULT '{}',
    computed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repo_id, pr_number, head_sha)
);
SELECT enable_tenant_rls('diff_summary_cache');

-- An analysis' stages are the steps of its run.
CREATE VIEW analysis_stages WITH (security_invoker = true) AS
SELECT md5(s.run_id || s.step_id)::uuid AS id, a.id AS analysis_id, s.step_name AS stage_name,
       CASE s.status WHEN 'succeeded' THEN 'completed' ELSE s.status END AS status,
       s.started_at, s.finished_at AS completed_at,
       (extract(epoch FROM s.finished_at - s.started_at) * 1000)::integer AS duration_ms,
       s.output AS result, s.error ->> 'message' AS error_message, s.started_at AS created_at
FROM run_steps s JOIN analyses a ON a.run_id = s.run_id;
GRANT SELECT ON analysis_stages TO assay_functions;
