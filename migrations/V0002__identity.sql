-- Who owns, who may, and who did.

CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    github_id bigint UNIQUE,                                 -- immutable once set
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    -- Handle in URLs; a GitHub organisation's login.
    login text NOT NULL UNIQUE CHECK (length(login) BETWEEN 1 AND 255),
    avatar_url text,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations
    USING (id = (SELECT assay_org())) WITH CHECK (id = (SELECT assay_org()));
GRANT SELECT, INSERT, UPDATE ON organizations TO assay_functions;

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    github_id bigint UNIQUE,
    username text NOT NULL CHECK (length(username) BETWEEN 1 AND 255),
    email text UNIQUE,
    -- argon2id in PHC form; null for people who sign in with GitHub only.
    password_hash text,
    avatar_url text,
    access_token_encrypted text,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE org_memberships (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,         -- immutable
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    UNIQUE (org_id, user_id)
);
CREATE INDEX org_memberships_user ON org_memberships (user_id);
SELECT enable_tenant_rls('org_memberships');

-- People are seen through their memberships only, and without their secrets.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY member ON users FOR SELECT USING (
    EXISTS (SELECT FROM org_memberships m WHERE m.user_id = users.id AND m.org_id = (SELECT assay_org()))
);
GRANT SELECT (id, github_id, username, email, avatar_url, created_at, updated_at) ON users TO assay_functions;

CREATE TABLE installations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    github_installation_id bigint NOT NULL UNIQUE,           -- immutable
    account_type text NOT NULL,
    account_login text NOT NULL,
    permissions jsonb NOT NULL DEFAULT '{}',
    events jsonb NOT NULL DEFAULT '[]',
    suspended_at timestamptz,
    -- Uninstalled; kept because runs and audit refer to it.
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX installations_org ON installations (org_id);
SELECT enable_tenant_rls('installations');

CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    -- Hex sha256 of the whole key; the key itself is shown once and never stored.
    key_hash text NOT NULL UNIQUE CHECK (key_hash ~ '^[0-9a-f]{64}$'),  -- immutable
    key_prefix text NOT NULL CHECK (length(key_prefix) <= 10),          -- immutable
    scopes text[] NOT NULL DEFAULT '{read}'
        CHECK (scopes <@ '{read,write,admin}' AND cardinality(scopes) > 0),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE INDEX api_keys_org ON api_keys (org_id);
SELECT enable_tenant_rls('api_keys', 'SELECT, INSERT, UPDATE');

CREATE TABLE audit_logs (                                    -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id uuid REFERENCES users ON DELETE SET NULL,
    api_key_id uuid REFERENCES api_keys ON DELETE SET NULL,
    action text NOT NULL CHECK (length(action) BETWEEN 1 AND 255),
    resource_type text,
    resource_id uuid,
    details jsonb NOT NULL DEFAULT '{}',
    ip_address text CHECK (length(ip_address) <= 45),
    user_agent text CHECK (length(user_agent) <= 512),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_logs_newest ON audit_logs (org_id, created_at DESC, id DESC);
SELECT enable_tenant_rls('audit_logs', 'SELECT, INSERT');
CREATE TRIGGER append_only BEFORE UPDATE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A key is looked up before its tenant is known, so this one question may look over the wall.
-- Whoever asks must already hold the key.
CREATE FUNCTION locate_api_key(hash text)
RETURNS TABLE (api_key_id uuid, org_id uuid, scopes text[], expired boolean, revoked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT k.id, k.org_id, k.scopes, coalesce(k.expires_at <= now(), false), k.revoked_at IS NOT NULL
    FROM api_keys k WHERE k.key_hash = hash
$$;

-- Which tenant an installation or a GitHub account belongs to, for a webhook whose signature
-- has been verified.
CREATE FUNCTION locate_installation(github_installation bigint)
RETURNS TABLE (installation_id uuid, org_id uuid, suspended boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    SELECT i.id, i.org_id, i.suspended_at IS NOT NULL OR i.deleted_at IS NOT NULL
    FROM installations i WHERE i.github_installation_id = github_installation
$$;

CREATE FUNCTION locate_organization(github_account bigint)
RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$ SELECT o.id FROM organizations o WHERE o.github_id = github_account $$;

REVOKE EXECUTE ON FUNCTION locate_api_key, locate_installation, locate_organization FROM PUBLIC;
GRANT EXECUTE ON FUNCTION locate_api_key, locate_installation, locate_organization TO assay_functions;
