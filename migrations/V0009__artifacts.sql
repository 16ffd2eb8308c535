-- Artifacts: the closed sets, and the ways in which they are looked up.

ALTER TABLE artifact_heads
    ADD CONSTRAINT artifact_heads_kind_check CHECK (
        kind IN ('PRD', 'ARCHITECTURE_OVERVIEW', 'SECURITY_MODEL', 'ROADMAP', 'CODEX_PROMPTS',
                 'IMPLEMENTATION_PLAN', 'PATCHSET', 'VERIFICATION_REPORT', 'DEPLOYMENT_PROVENANCE',
                 'IMPLEMENTATION_AUDIT_BUNDLE', 'RUN_SUMMARY', 'RESEARCH_REPORT', 'SCAN_REPORT')
        OR kind ~ '^(ADR|SPEC)_[A-Z0-9][A-Z0-9_]{0,59}$'),
    ADD CONSTRAINT artifact_heads_logical_key_check CHECK (length(logical_key) BETWEEN 1 AND 200);

-- A version belongs to a head, so kind and key need no second check; and what is newest exists.
ALTER TABLE artifacts
    ADD CONSTRAINT artifacts_head_fkey FOREIGN KEY (project_id, kind, logical_key)
        REFERENCES artifact_heads (project_id, kind, logical_key) ON DELETE CASCADE;

ALTER TABLE citations
    ADD CONSTRAINT citations_source_type_check
        CHECK (source_type IN ('finding', 'chunk', 'run', 'artifact', 'path'));

-- Lists and exports go by kind and key, bytewise: the same order on every server.
CREATE INDEX artifact_heads_order ON artifact_heads (project_id, kind COLLATE "C", logical_key COLLATE "C");
CREATE INDEX artifacts_run ON artifacts (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX deployments_run ON deployments (run_id) WHERE run_id IS NOT NULL;
