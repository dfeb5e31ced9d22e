-- The table of notes, for projection_version 1 and up.

CREATE TABLE notes (
    tenant_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    content jsonb NOT NULL,
    kind text NOT NULL,
    embedding vector,
    embedding_model text,
    words tsvector GENERATED ALWAYS AS (
        setweight(projections.words(title), 'A') || projections.words(content::text)) STORED,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX notes_words ON notes USING gin (words);
CREATE INDEX notes_embedding_3 ON notes USING hnsw ((embedding::vector(3)) vector_cosine_ops)
    WHERE vector_dims(embedding) = 3;
CREATE INDEX notes_embedding_384 ON notes USING hnsw ((embedding::vector(384)) vector_cosine_ops)
    WHERE vector_dims(embedding) = 384;
CREATE INDEX notes_embedding_1536 ON notes USING hnsw ((embedding::vector(1536)) vector_cosine_ops)
    WHERE vector_dims(embedding) = 1536;
SELECT projections.protect('notes');
