-- What was signed, and what strangers need to check it.

-- Keys are published, never secret: verifiers take the key from here, not from a bundle.
CREATE TABLE signing_keys (                                  -- immutable but for retired_at
    -- OpenSSH fingerprint, SHA256:…; also the DSSE keyid and the bundle's hint.
    key_id text PRIMARY KEY CHECK (key_id LIKE 'SHA256:%'),
    algorithm text NOT NULL CHECK (algorithm IN ('ecdsa-p256-sha256', 'ed25519')),
    purpose text NOT NULL DEFAULT 'attestation' CHECK (purpose IN ('attestation', 'checkpoint')),
    public_key_pem text NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
GRANT SELECT, INSERT ON signing_keys TO assay_functions;
GRANT UPDATE (retired_at) ON signing_keys TO assay_functions;

CREATE TABLE verification_attestations (                     -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,
    analysis_id uuid NOT NULL UNIQUE REFERENCES analyses ON DELETE CASCADE,
    attestation_type text NOT NULL CHECK (attestation_type IN ('pr', 'commit', 'release')),
    repo_full_name text NOT NULL,
    ref text,
    commit_sha text NOT NULL,
    file_paths jsonb NOT NULL DEFAULT '[]',
    -- Which classes of defect were looked for.
    scope jsonb NOT NULL DEFAULT '{}',
    evidence jsonb NOT NULL DEFAULT '{}',
    tier text NOT NULL CHECK (tier IN ('none', 'bronze', 'silver', 'gold', 'platinum')),
    passed boolean NOT NULL,
    key_id text NOT NULL REFERENCES signing_keys,
    -- The DSSE envelope exactly as it was signed; everything else here is a projection of it.
    envelope bytea NOT NULL CHECK (octet_length(envelope) <= 1048576),
    -- The statement with the details, which the envelope names among its inputs.
    detail bytea NOT NULL CHECK (octet_length(detail) <= 8388608),
    signature text NOT NULL,
    -- Hex sha256 of the signed payload.
    attestation_hash text NOT NULL UNIQUE CHECK (attestation_hash ~ '^[0-9a-f]{64}$'),
    parent_attestation_id uuid REFERENCES verification_attestations,
    metadata jsonb NOT NULL DEFAULT '{}',
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX verification_attestations_repo ON verification_attestations (repo_id, created_at DESC, id DESC);
-- A chain does not fork: an attestation has at most one successor, a repository one beginning.
CREATE UNIQUE INDEX verification_attestations_chain
    ON verification_attestations (repo_id, parent_attestation_id) NULLS NOT DISTINCT;
SELECT enable_tenant_rls('verification_attestations', 'SELECT, INSERT');
CREATE TRIGGER append_only BEFORE UPDATE ON verification_attestations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One badge a repository. What it shows is computed from its attestation when it is read, so a
-- badge can neither outlive nor contradict it.
CREATE TABLE verification_badges (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    repo_id uuid NOT NULL UNIQUE REFERENCES repositories ON DELETE CASCADE,  -- immutable
    attestation_id uuid NOT NULL REFERENCES verification_attestations ON DELETE CASCADE,
    repo_full_name text NOT NULL,
    token text NOT NULL UNIQUE CHECK (token ~ '^[A-Za-z0-9_-]{22}$'),  -- immutable
    tier text NOT NULL,
    passed boolean NOT NULL,
    style text NOT NULL DEFAULT 'flat'
        CHECK (style IN ('flat', 'flat-square', 'plastic', 'for-the-badge', 'social')),
    config jsonb NOT NULL DEFAULT '{}',
    -- A lower bound: caches and proxies hide viewers.
    view_count bigint NOT NULL DEFAULT 0,
    last_viewed_at timestamptz,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
SELECT enable_tenant_rls('verification_badges', 'SELECT, INSERT, UPDATE');

CREATE TABLE certificates (                                  -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    analysis_id uuid NOT NULL REFERENCES analyses ON DELETE CASCADE,
    certificate_data jsonb NOT NULL,
    signature text NOT NULL,
    public_key text NOT NULL,
    note_hash text NOT NULL,
    hash_algorithm text NOT NULL DEFAULT 'sha256' CHECK (hash_algorithm = 'sha256'),
    issued_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX certificates_newest ON certificates (org_id, issued_at DESC);
SELECT enable_tenant_rls('certificates', 'SELECT, INSERT');

-- The transparency log (C2SP tlog-tiles). It is public and belongs to no tenant.
CREATE TABLE log_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,      -- immutable
    leaf_hash bytea NOT NULL UNIQUE CHECK (octet_length(leaf_hash) = 32),  -- immutable
    leaf bytea NOT NULL CHECK (octet_length(leaf) <= 65535), -- immutable
    -- Position in the log, given by the sequencer.
    sequence bigint UNIQUE CHECK (sequence >= 0),            -- immutable once set
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE TABLE log_tiles (                                     -- every column is immutable
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
    tile_index bigint NOT NULL CHECK (tile_index >= 0),
    width smallint NOT NULL CHECK (width BETWEEN 1 AND 256),
    data bytea NOT NULL,
    PRIMARY KEY (level, tile_index, width)
);
CREATE TABLE log_checkpoints (                               -- every column is immutable
    size bigint PRIMARY KEY CHECK (size >= 0),
    root_hash bytea NOT NULL CHECK (octet_length(root_hash) = 32),
    note text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON log_entries, log_tiles, log_checkpoints TO assay_functions;

-- A badge's token is its own permission: whoever shows it may see what the badge shows.
CREATE FUNCTION locate_badge(badge_token text)
RETURNS TABLE (org_id uuid, badge_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$ SELECT b.org_id, b.id FROM verification_badges b WHERE b.token = badge_token $$;
REVOKE EXECUTE ON FUNCTION locate_badge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION locate_badge TO assay_functions;
