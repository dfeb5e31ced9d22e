-- The tables of things, for projection_version 1 and up.

CREATE TABLE things (
    tenant_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    amount double precision NOT NULL DEFAULT 0,
    price numeric NOT NULL DEFAULT 0,
    big bigint NOT NULL DEFAULT 0 CHECK (big >= 0),
    tags text[] NOT NULL DEFAULT '{}',
    info jsonb NOT NULL DEFAULT '{}',
    seen_at timestamptz,
    note text,
    meaning vector,
    retired boolean NOT NULL DEFAULT false,
    part_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    loud text GENERATED ALWAYS AS (upper(name)) STORED,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX things_name ON things (tenant_id, name) WHERE NOT retired;
CREATE INDEX things_info ON things USING gin (info);
CREATE INDEX things_meaning ON things USING hnsw ((meaning::vector(3)) vector_cosine_ops)
    WHERE vector_dims(meaning) = 3;
COMMENT ON TABLE things IS 'Things.';
COMMENT ON COLUMN things.note IS 'What was said of it.';
COMMENT ON INDEX things_name IS 'A name belongs to one thing at a time.';
CREATE TABLE parts (
    tenant_id text COLLATE "C" NOT NULL,
    thing_id uuid NOT NULL,
    part_no integer NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, thing_id, part_no),
    CONSTRAINT parts_thing FOREIGN KEY (tenant_id, thing_id) REFERENCES things
);
COMMENT ON CONSTRAINT parts_thing ON parts IS 'A part has a thing.';
SELECT projections.protect('things'), projections.protect('parts');
