-- What trust scores and summaries of changes stand on, and who worded the latter.

ALTER TABLE trust_score_cache
    ADD COLUMN run_id uuid REFERENCES runs ON DELETE SET NULL,               -- immutable
    -- Scores of different methods are not compared.
    ADD COLUMN method text NOT NULL DEFAULT '1',                             -- immutable
    -- What the plain formula gives, with its stand-ins for what was not measured.
    ADD COLUMN formula_score double precision NOT NULL DEFAULT 0
        CHECK (formula_score BETWEEN 0 AND 100),                             -- immutable
    ADD COLUMN confidence double precision NOT NULL DEFAULT 0
        CHECK (confidence BETWEEN 0 AND 1),                                  -- immutable
    -- Deciding findings that the change brought into the file; null when the commit was compared
    -- with nothing, so that everything in it counts as new.
    ADD COLUMN introduced integer CHECK (introduced >= 0),                   -- immutable
    ADD COLUMN folder text NOT NULL
        GENERATED ALWAYS AS (regexp_replace(file_path, '[^/]*$', '')) STORED;
CREATE INDEX trust_score_cache_newest ON trust_score_cache (org_id, computed_at DESC);
CREATE INDEX trust_score_cache_file ON trust_score_cache (repo_id, file_path, computed_at DESC);
CREATE INDEX trust_score_cache_folder ON trust_score_cache (repo_id, folder, computed_at DESC);
-- A score that was given stays as it was given.
REVOKE UPDATE ON trust_score_cache FROM assay_functions;

ALTER TABLE diff_summary_cache
    -- Null: the commit was pushed to a branch and belongs to no pull request.
    ALTER COLUMN pr_number DROP NOT NULL,
    ADD COLUMN base_sha text NOT NULL DEFAULT '',                            -- immutable
    ADD COLUMN run_id uuid REFERENCES runs ON DELETE SET NULL,               -- immutable
    -- Everything that is known of the change and stands in no other column.
    ADD COLUMN facts jsonb NOT NULL DEFAULT '{}',                            -- immutable
    ADD COLUMN risk_level text NOT NULL DEFAULT 'low'
        CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),         -- immutable
    ADD COLUMN changelog text NOT NULL DEFAULT '',
    -- Who found the words of title, description and changelog: `assay`, or the name of a model.
    ADD COLUMN worded_by text NOT NULL DEFAULT 'assay',
    -- The same head compared with another base is another change.
    DROP CONSTRAINT diff_summary_cache_repo_id_pr_number_head_sha_key,
    ADD CONSTRAINT diff_summary_cache_change
        UNIQUE NULLS NOT DISTINCT (repo_id, pr_number, head_sha, base_sha);
CREATE INDEX diff_summary_cache_newest ON diff_summary_cache (org_id, computed_at DESC, id DESC);
-- Words may be replaced; facts may not.
REVOKE UPDATE ON diff_summary_cache FROM assay_functions;
GRANT UPDATE (title, description, changelog, worded_by) ON diff_summary_cache TO assay_functions;
