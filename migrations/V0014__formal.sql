-- What the formal checks of an analysis said, check by check, with the question and the answer.

CREATE TABLE formal_results (                                -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    analysis_id uuid NOT NULL REFERENCES analyses ON DELETE CASCADE,
    -- The order in which a reader wants them: refutations first.
    place integer NOT NULL CHECK (place >= 0),
    language text NOT NULL,
    file_path text NOT NULL,
    function_name text NOT NULL,
    line integer NOT NULL CHECK (line > 0),
    -- What could go wrong, such as division_by_zero.
    check_kind text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('proved', 'refuted', 'caller_dependent', 'unknown')),
    reason text,
    -- Hex sha256 of the question in SMT-LIB; null where no solver had to be asked.
    query_hash text CHECK (query_hash ~ '^[0-9a-f]{64}$'),
    -- Null where it is too long to keep; the hash is of all of it.
    query text CHECK (length(query) <= 16384),
    -- What the whole function took.
    duration_ms double precision NOT NULL CHECK (duration_ms >= 0),
    -- Inputs for which it goes wrong: a list of names and values.
    counterexample jsonb,
    -- The same as a program of the function's language that succeeds where the code fails.
    test text CHECK (length(test) <= 8192),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (analysis_id, place),
    -- Only an unknown has a reason, and every unknown has one.
    CHECK ((verdict = 'unknown') = (reason IS NOT NULL)),
    CHECK (verdict NOT IN ('refuted', 'caller_dependent') OR counterexample IS NOT NULL)
);
CREATE INDEX formal_results_verdict ON formal_results (analysis_id, verdict, place);
SELECT enable_tenant_rls('formal_results', 'SELECT, INSERT');
