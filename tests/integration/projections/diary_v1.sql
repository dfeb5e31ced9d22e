-- The tables of diaries, for projection_version 1 and up.

CREATE TABLE books (
    tenant_id text COLLATE "C" NOT NULL,
    book text COLLATE "C" NOT NULL,
    entries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, book)
);
CREATE TABLE entries (
    tenant_id text COLLATE "C" NOT NULL,
    entry_id uuid NOT NULL,
    book text COLLATE "C" NOT NULL,
    text text NOT NULL CHECK (text <> ''),
    stars jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, entry_id, created_at),
    CONSTRAINT entries_book FOREIGN KEY (tenant_id, book) REFERENCES books
) PARTITION BY RANGE (created_at);
CREATE INDEX entries_text ON entries (tenant_id, lower(text));
CREATE INDEX entries_empty ON entries (tenant_id, created_at) WHERE stars = '[]';
CREATE INDEX entries_again ON entries (tenant_id, lower(text)) WHERE stars <> '[]';
COMMENT ON TABLE entries IS 'Entries.';
COMMENT ON COLUMN entries.text IS 'What it says.';
COMMENT ON INDEX entries_text IS 'By text.';
COMMENT ON CONSTRAINT entries_book ON entries IS 'An entry has a book.';
SELECT projections.protect('books'), projections.protect('entries');
