-- name: bare_table
-- What the floor inserts into: the payload and a primary key.
CREATE TABLE IF NOT EXISTS public.bare (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    data json NOT NULL
)

-- name: insert
-- The floor of one append a call, as a pgbench script.
INSERT INTO public.bare (data) VALUES (:payload)

-- name: insert_one
-- The same insert through the driver.
INSERT INTO public.bare (data) VALUES (%(payload)s)

-- name: append_one
-- What the server does for an append, called without a client of ours, as a pgbench script: a new
-- stream every twenty events, and ids that ascend as those of a UUIDv7 do.
\set n :n + 1
SELECT eventstore.append_one(
    'default', 'bench-' || :turn::text || '-' || :client_id::text || '-' || (:n::bigint / 20)::text,
    -2, (lpad(to_hex(:turn::bigint), 12, '0') || lpad(to_hex(:client_id::bigint), 4, '0')
         || lpad(to_hex(:n::bigint), 16, '0'))::uuid,
    'bench.step_taken', 1::smallint, (lpad(to_hex(:n::bigint), 32, '0'))::uuid, NULL, 'writer', NULL,
    'work', :payload::json, '{}', NULL)

-- name: insert_many
-- The floor of a batch: the same payloads in one statement, in the quickest of six ways.
INSERT INTO public.bare (data)
SELECT payload FROM json_array_elements(%(payloads)s::text::json) AS payload

-- name: copy_events
-- The floor of an import: the rows as they are to be.
COPY eventstore.events (position, tenant_id, event_id, stream_id, category, stream_version,
                        event_type, schema_version, correlation_id, agent, retention_class, data,
                        data_hash, metadata, occurred_at, recorded_at)
FROM STDIN (FORMAT binary)

-- name: lazy_commits
-- Commits of this session answer before they are on disk.
SET synchronous_commit = off

-- name: round_trip
-- The least that a statement can do.
SELECT 1

-- name: read_stream
-- The floor of reading a stream: the query that the store sends, without the store.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.events
 WHERE tenant_id = %(tenant)s AND stream_id = %(stream_id)s
 ORDER BY stream_version

-- name: keep_plans
-- Statements are planned once, as the store's are where it reads the log: to plan the query of a
-- stream takes longer than to run it.
SET plan_cache_mode = force_generic_plan

-- name: read_all
-- The floor of reading everything, for a server-side cursor.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.events
 ORDER BY position

-- name: writer_pid
-- The backend that serves the one connection that appends.
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'eventstore appender'

-- name: settings
-- What the numbers depend on.
SELECT current_setting('server_version'), current_setting('fsync'),
       current_setting('synchronous_commit'), current_setting('full_page_writes'),
       current_setting('shared_buffers'), current_setting('wal_sync_method')

-- name: analyze
-- What autovacuum does a minute later, done now, so that every round sees the same plans.
ANALYZE

-- name: vacuum
-- The same, and the visibility map, for what was only just filled.
VACUUM ANALYZE

-- name: admit
-- How many may be connected after a restart.
ALTER SYSTEM SET max_connections = {connections}

-- name: make_database
-- As another one is.
CREATE DATABASE {name} TEMPLATE {template}
