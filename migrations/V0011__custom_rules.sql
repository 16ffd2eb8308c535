-- Rules that customers write: what is listed in pages, what a change leaves, and which rules a
-- result stands on.

-- Counts the changes of a rule's content; a finding is explained by the set its rule ran in.
ALTER TABLE custom_rules ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0);
CREATE INDEX custom_rules_order ON custom_rules (org_id, created_at DESC, id DESC);
CREATE INDEX custom_rules_repo ON custom_rules (repo_id) WHERE repo_id IS NOT NULL;

-- The rules that ran together, each set once: a rule may have been changed since.
CREATE TABLE custom_rule_sets (                              -- every column is immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    -- Hex sha256 over the canonical form of the rules.
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    rules jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, hash)
);
SELECT enable_tenant_rls('custom_rule_sets', 'SELECT, INSERT');
