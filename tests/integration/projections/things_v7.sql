-- The tables of things, for projection_version 7: a column less and one more, parts gone, labels
-- new; and everything else that a table can have, to be copied.

CREATE TABLE things (
    tenant_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    total double precision NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT things_total CHECK (total >= 0)
) WITH (fillfactor = 60);
COMMENT ON TABLE things IS 'Things, summed up.';
COMMENT ON COLUMN things.total IS 'All that was added.';
COMMENT ON CONSTRAINT things_total ON things IS 'Nothing is owed.';

CREATE TABLE labels (
    tenant_id text COLLATE "C" NOT NULL,
    thing_id uuid NOT NULL,
    part_no integer NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, thing_id, part_no),
    CONSTRAINT labels_thing FOREIGN KEY (tenant_id, thing_id) REFERENCES things
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT labels_apart EXCLUDE (thing_id WITH =, part_no WITH =)
);
CREATE INDEX labels_words ON labels USING gin (projections.label_words(label));
COMMENT ON INDEX labels_words IS 'Full text of labels.';
CREATE TRIGGER watched BEFORE UPDATE ON labels
    FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

SELECT projections.protect('things'), projections.protect('labels');
CREATE POLICY mine ON labels AS RESTRICTIVE FOR UPDATE TO eventstore_projector
    USING (true) WITH CHECK (part_no > 0);
GRANT SELECT (name) ON things TO eventstore_archiver;
