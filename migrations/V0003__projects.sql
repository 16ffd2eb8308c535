-- What is watched: projects, the repositories in them, and what each contained when.

CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    owner_user_id uuid REFERENCES users ON DELETE SET NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,127}$'),
    description text,
    -- Address of what is described, as its owner gave it.
    url text,
    repo_url text,
    mode text NOT NULL DEFAULT 'github' CHECK (mode IN ('github', 'git', 'local', 'upload')),
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'analyzing', 'completed', 'failed', 'archived')),
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (org_id, slug)
);
SELECT enable_tenant_rls('projects');

-- A session's id is stored as its sha256. Nothing is granted until sign-in exists.
CREATE TABLE sessions (
    session_id text PRIMARY KEY,                             -- immutable
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,  -- immutable
    username text NOT NULL,
    active_project_id uuid REFERENCES projects ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;

CREATE TABLE repositories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    -- Null: registered by hand. Set: GitHub itself says that this organisation installed us.
    installation_id uuid REFERENCES installations ON DELETE SET NULL,
    provider text NOT NULL DEFAULT 'github' CHECK (provider IN ('github', 'git')),
    github_id bigint CHECK (provider <> 'github' OR github_id IS NOT NULL),
    owner text NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    full_name text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 512),
    private boolean NOT NULL DEFAULT false,
    default_branch text NOT NULL DEFAULT 'main',
    html_url text,
    clone_url text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    archived_at timestamptz,
    -- When the syncer looks at it next; null means never by itself.
    next_sync_at timestamptz,
    sync_interval_minutes integer NOT NULL DEFAULT 60 CHECK (sync_interval_minutes BETWEEN 5 AND 10080),
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (org_id, provider, github_id),
    UNIQUE (org_id, full_name)
);
CREATE INDEX repositories_github ON repositories (github_id) WHERE github_id IS NOT NULL;
CREATE INDEX repositories_project ON repositories (project_id);
CREATE INDEX repositories_due ON repositories (next_sync_at)
    WHERE next_sync_at IS NOT NULL AND enabled AND archived_at IS NULL;
SELECT enable_tenant_rls('repositories');

CREATE TABLE project_manifests (                             -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    repository_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    commit_sha text NOT NULL,
    -- File tree with size, sha256 and language of each file.
    data jsonb NOT NULL,
    -- Hex sha256 over the sorted (path, content hash) list: equal content, equal hash.
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repository_id, version)
);
SELECT enable_tenant_rls('project_manifests', 'SELECT, INSERT, DELETE');

CREATE TABLE project_files (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    name text NOT NULL,
    media_type text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes BETWEEN 0 AND 26214400),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),  -- immutable
    object_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    UNIQUE (project_id, sha256)
);
SELECT enable_tenant_rls('project_files');

CREATE TABLE project_skills (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,   -- immutable
    name text NOT NULL,
    name_norm text NOT NULL GENERATED ALWAYS AS (lower(btrim(name))) STORED,
    description text NOT NULL DEFAULT '',
    content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, name_norm)
);
SELECT enable_tenant_rls('project_skills');

-- To which tenant a verified webhook's repository belongs. With an installation, only the
-- tenant that GitHub names; without one, only repositories that were registered by hand: an
-- organisation can therefore not claim another's events by registering its repository's id.
CREATE FUNCTION locate_repository(github_repository bigint, github_installation bigint)
RETURNS TABLE (org_id uuid, repository_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT r.org_id, r.id
    FROM repositories r
    LEFT JOIN installations i ON i.id = r.installation_id
    WHERE r.github_id = github_repository
      AND i.github_installation_id IS NOT DISTINCT FROM github_installation
    ORDER BY r.created_at
    LIMIT 1
$$;

-- Repositories whose time to sync has come, for the scheduler.
CREATE FUNCTION due_repository_syncs(at_most integer)
RETURNS TABLE (org_id uuid, repository_id uuid, due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT r.org_id, r.id, r.next_sync_at
    FROM repositories r
    WHERE r.next_sync_at <= now() AND r.enabled AND r.archived_at IS NULL
    ORDER BY r.next_sync_at
    LIMIT at_most
$$;

REVOKE EXECUTE ON FUNCTION locate_repository, due_repository_syncs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION locate_repository, due_repository_syncs TO assay_functions;
