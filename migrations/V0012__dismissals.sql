-- Dismissals that say on what ground and who answers for them, and that follow their finding.

ALTER TABLE findings                                         -- immutable like the others
    -- Recognises the finding where its fingerprint ends. Null: nobody can follow it.
    ADD COLUMN trail text,
    -- The fingerprint under which the finding was first known, where that is another one.
    ADD COLUMN lineage text CHECK (lineage ~ '^[0-9a-f]{64}$');
CREATE INDEX findings_lineage ON findings (repo_id, lineage) WHERE lineage IS NOT NULL;

ALTER TABLE finding_dispositions                             -- immutable like the others
    -- As in findings: what the decision is about, whatever it is called by now.
    ADD COLUMN lineage text CHECK (lineage ~ '^[0-9a-f]{64}$'),
    -- Null for what is reopened, and for decisions that are older than this column.
    ADD COLUMN ground text CHECK (ground IN ('false_positive', 'accepted_risk', 'test_code', 'mitigated', 'other')),
    -- Who answers for it, when that is not who decided.
    ADD COLUMN owner text CHECK (length(btrim(owner)) BETWEEN 1 AND 255),
    -- Where it stood when it was decided about, for readers who have only this row.
    ADD COLUMN rule_id text,
    ADD COLUMN file_path text;
CREATE INDEX finding_dispositions_lineage
    ON finding_dispositions (repo_id, (coalesce(lineage, fingerprint)), created_at DESC, id DESC);
CREATE INDEX finding_dispositions_listed ON finding_dispositions (org_id, created_at DESC, id DESC);
CREATE TRIGGER append_only BEFORE UPDATE ON finding_dispositions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a fingerprint was called before its finding moved. It outlives the findings' rows.
CREATE TABLE finding_lineages (                              -- every column is immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    repo_id uuid NOT NULL REFERENCES repositories ON DELETE CASCADE,
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    lineage text NOT NULL CHECK (lineage ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (repo_id, fingerprint)
);
CREATE INDEX finding_lineages_lineage ON finding_lineages (repo_id, lineage);
SELECT enable_tenant_rls('finding_lineages', 'SELECT, INSERT');
