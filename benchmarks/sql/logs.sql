-- What the stores of benchmarks/logs are called with, where they have no client of their own.

-- name: message_store_schema
-- Its files create in this schema without naming it, as its installer's role finds it first.
CREATE SCHEMA IF NOT EXISTS message_store;
SET search_path = message_store, public

-- name: unchecked_bodies
-- Functions may come before those that they call.
SET check_function_bodies = off

-- name: write_message
-- One message to a stream, under no expected version.
SELECT message_store.write_message(%s, %s, %s, %s::jsonb)

-- name: get_stream_messages
-- A stream from its beginning.
SELECT * FROM message_store.get_stream_messages(%s)

-- name: get_category_messages
-- The next messages of a category.
SELECT * FROM message_store.get_category_messages(%s, %s, %s)

-- name: all_messages
-- The next messages of all categories, in the one order that they all have.
SELECT id::varchar, stream_name, type, position, global_position, data::varchar, metadata::varchar,
       time
  FROM message_store.messages
 WHERE global_position > %s
 ORDER BY global_position
 LIMIT %s

-- name: logicblocks_events
-- The table that logicblocks expects.
CREATE TABLE events (
    id              text PRIMARY KEY,
    name            text NOT NULL,
    stream          text NOT NULL,
    category        text NOT NULL,
    position        integer NOT NULL,
    sequence_number bigserial NOT NULL,
    payload         jsonb NOT NULL,
    metadata        jsonb,
    observed_at     timestamptz NOT NULL,
    occurred_at     timestamptz NOT NULL
);
CREATE INDEX ON events (sequence_number);
CREATE INDEX ON events (category, stream, position);
CREATE INDEX ON events (category, sequence_number)

-- name: late_commits
-- A commit takes up to four milliseconds more, each another time: as with a disk that is busy.
CREATE FUNCTION public.come_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * 0.004);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER come_late AFTER INSERT ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.come_late()
