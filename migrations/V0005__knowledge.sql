-- What can be found again: texts in chunks, their vectors, and conversations about them.

-- One searchable body of text. How common a term is, is counted within it.
CREATE TABLE corpora (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    repository_id uuid REFERENCES repositories ON DELETE CASCADE,     -- immutable
    kind text NOT NULL CHECK (kind IN ('code', 'files', 'conversations')),  -- immutable
    -- Names how texts were cut and counted; another name means that all must be done again.
    extraction text NOT NULL,
    -- Grows when all must be done again; a source of an older generation is then replaced.
    generation integer NOT NULL DEFAULT 0,
    -- Terms in a chunk, on average, as the generation's weights assume.
    average_terms real NOT NULL DEFAULT 0 CHECK (average_terms >= 0),
    -- What is in it now.
    chunks bigint NOT NULL DEFAULT 0 CHECK (chunks >= 0),
    terms bigint NOT NULL DEFAULT 0 CHECK (terms >= 0),
    -- The newest run that began to index; an older one must not write any more.
    claimed_by uuid,
    -- The run that last finished, and the commit that the corpus then equalled.
    indexed_by uuid,
    commit_sha text,
    indexed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    CHECK ((kind = 'code') = (repository_id IS NOT NULL)),
    CHECK ((indexed_by IS NULL) = (indexed_at IS NULL))
);
CREATE UNIQUE INDEX corpora_repository ON corpora (repository_id) WHERE kind = 'code';
CREATE UNIQUE INDEX corpora_project ON corpora (project_id, kind) WHERE kind <> 'code';
SELECT enable_tenant_rls('corpora');

-- What is replaced as a whole: a file of a repository, an upload, a message.
CREATE TABLE sources (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    corpus_id uuid NOT NULL REFERENCES corpora ON DELETE CASCADE,     -- immutable
    -- A path, an upload's id, a message's id.
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 1024), -- immutable
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    generation integer NOT NULL,
    -- Where this content was first seen, for a source that is part of a commit.
    commit_sha text,
    -- Why it has no chunks, when it has none.
    skipped text,
    indexed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (corpus_id, name)
);
SELECT enable_tenant_rls('sources');

-- A chunk's content never changes: a changed one is another chunk. Its place may.
CREATE TABLE chunks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    corpus_id uuid NOT NULL REFERENCES corpora ON DELETE CASCADE,     -- immutable
    source_id uuid NOT NULL REFERENCES sources ON DELETE CASCADE,     -- immutable
    -- What the source is, when it is no file of a repository.
    file_id uuid REFERENCES project_files ON DELETE CASCADE,          -- immutable
    conversation_global_id text,                             -- immutable
    message_global_id text,                                  -- immutable
    chunk_index integer NOT NULL CHECK (chunk_index >= 0),
    line_start integer NOT NULL CHECK (line_start > 0),
    line_end integer NOT NULL CHECK (line_end >= line_start),
    byte_start integer NOT NULL CHECK (byte_start >= 0),
    byte_end integer NOT NULL CHECK (byte_end > byte_start),
    page_start integer CHECK (page_start > 0),
    page_end integer CHECK (page_end >= page_start),
    -- Qualified name of what is defined in it; empty outside of any definition.
    name text NOT NULL,                                      -- immutable
    -- Source and name: what the text alone does not say. Embedded with it.
    header text NOT NULL,                                    -- immutable
    text text NOT NULL,                                      -- immutable
    -- Of header and text: the key of the embedding cache.
    content_sha256 bytea NOT NULL CHECK (octet_length(content_sha256) = 32),  -- immutable
    -- Counts equal contents within a source.
    occurrence integer NOT NULL CHECK (occurrence >= 0),     -- immutable
    term_count integer NOT NULL CHECK (term_count >= 0),     -- immutable
    -- The chunk's part of BM25; its inner product with a query's part is the score.
    weights sparsevec(1048576) NOT NULL,                     -- immutable
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    UNIQUE (source_id, content_sha256, occurrence),
    CHECK (num_nonnulls(file_id, message_global_id) <= 1),
    CHECK ((message_global_id IS NULL) = (conversation_global_id IS NULL))
);
-- A search reads every chunk of a corpus: the weights stay in the row, the text may leave it.
-- No GIN index on terms: under row-level security only leakproof operators may use an index, and
-- questions in words match most chunks anyway, so reading in turn was the faster plan as well
-- (10,000 chunks in 4 ms against 6, 60,000 in 34 against 42).
ALTER TABLE chunks ALTER COLUMN weights SET STORAGE MAIN;
CREATE INDEX chunks_corpus ON chunks (corpus_id);
CREATE INDEX chunks_project ON chunks (project_id);
CREATE INDEX chunks_file ON chunks (file_id) WHERE file_id IS NOT NULL;
SELECT enable_tenant_rls('chunks');

-- In how many chunks of a corpus a term occurs. Terms are numbered by hash.
CREATE TABLE term_statistics (
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    corpus_id uuid NOT NULL REFERENCES corpora ON DELETE CASCADE,     -- immutable
    dimension integer NOT NULL CHECK (dimension BETWEEN 0 AND 1048575),  -- immutable
    chunks integer NOT NULL CHECK (chunks >= 0),
    PRIMARY KEY (corpus_id, dimension)
);
SELECT enable_tenant_rls('term_statistics');

-- What makes vectors. A model is built beside the active one and takes over in one UPDATE.
CREATE TABLE embedding_models (
    name text PRIMARY KEY,                                   -- immutable
    dimensions integer NOT NULL CHECK (dimensions BETWEEN 1 AND 16000),  -- immutable
    state text NOT NULL CHECK (state IN ('building', 'active', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now()            -- immutable
);
CREATE UNIQUE INDEX embedding_models_active ON embedding_models (state) WHERE state = 'active';
GRANT SELECT ON embedding_models TO assay_functions;
INSERT INTO embedding_models (name, dimensions, state) VALUES ('assay/hashed-ngrams-v1', 384, 'active');

-- What was embedded once is not embedded again. A tenant's own: a shared cache would tell by its
-- speed what another tenant has.
CREATE TABLE embedding_cache (                               -- every column is immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    model text NOT NULL REFERENCES embedding_models,
    content_sha256 bytea NOT NULL CHECK (octet_length(content_sha256) = 32),
    embedding vector NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, model, content_sha256)
);
SELECT enable_tenant_rls('embedding_cache', 'SELECT, INSERT, DELETE');

-- A row per chunk and model, a partition per model: vectors of two models never meet.
CREATE TABLE embeddings (
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    model text NOT NULL REFERENCES embedding_models,         -- immutable
    chunk_id uuid NOT NULL REFERENCES chunks ON DELETE CASCADE,       -- immutable
    corpus_id uuid NOT NULL REFERENCES corpora ON DELETE CASCADE,     -- immutable
    status text NOT NULL CHECK (status IN ('pending', 'ready', 'failed')),
    embedding vector,
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    PRIMARY KEY (model, chunk_id),
    CHECK ((status = 'ready') = (embedding IS NOT NULL))
) PARTITION BY LIST (model);
CREATE INDEX embeddings_corpus ON embeddings (corpus_id) WHERE status = 'ready';
CREATE INDEX embeddings_chunk ON embeddings (chunk_id);
SELECT enable_tenant_rls('embeddings');

CREATE TABLE embeddings_hashed_ngrams_v1 PARTITION OF embeddings (
    CHECK (vector_dims(embedding) = 384)
) FOR VALUES IN ('assay/hashed-ngrams-v1');
-- Reached through its parent only, whose policy then holds.
ALTER TABLE embeddings_hashed_ngrams_v1 ENABLE ROW LEVEL SECURITY;
CREATE INDEX embeddings_hashed_ngrams_v1_near ON embeddings_hashed_ngrams_v1
    USING hnsw ((embedding::halfvec(384)) halfvec_ip_ops) WHERE status = 'ready';

-- Conversations of people with Assay.
CREATE TABLE chat_threads (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),           -- immutable
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,  -- immutable
    -- Null: about the organisation as a whole.
    project_id uuid REFERENCES projects ON DELETE CASCADE,   -- immutable
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
    mode text NOT NULL DEFAULT 'assistant' CHECK (mode IN ('assistant', 'researcher', 'architect')),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),           -- immutable
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chat_threads_newest ON chat_threads (org_id, last_activity_at DESC, id DESC);
CREATE INDEX chat_threads_project ON chat_threads (project_id);
SELECT enable_tenant_rls('chat_threads');

CREATE TABLE chat_messages (                                 -- every column is immutable
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    thread_id uuid NOT NULL REFERENCES chat_threads ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
    content text NOT NULL,
    -- The sender's own id: a message that is sent twice is stored once.
    message_uid text NOT NULL CHECK (length(message_uid) BETWEEN 1 AND 255),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (thread_id, message_uid)
);
CREATE INDEX chat_messages_in_order ON chat_messages (thread_id, created_at, id);
SELECT enable_tenant_rls('chat_messages', 'SELECT, INSERT, DELETE');
