-- name: begin_range
-- For this transaction, names without a schema mean the tables of a build, then the log. There is
-- room to sort a range of events, and no time is spent on compiling what runs for a moment.
SELECT set_config('search_path', format('%%I, eventstore, public', %(schema)s::text), true),
       set_config('work_mem', '64MB', true), set_config('jit', 'off', true)

-- name: schema_versions
-- How many events of each type a range has, and of which schema_versions.
SELECT event_type, schema_version, count(*)
  FROM events
 WHERE position > %(after)s AND position <= %(until)s AND event_type = ANY (%(event_types)s)
 GROUP BY event_type, schema_version

-- name: let_projector_load
-- The fold in SQL runs as the projector, who reads the log and writes nothing else.
GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO eventstore_projector

-- name: make_copies
-- The tables of a projection as a rebuild loads them, and a log of their own beside them.
SELECT projections.clone_structure(%(template)s, %(schema)s, %(tables)s),
       projections.clone_keys(%(template)s, %(schema)s, %(tables)s)

-- name: make_log
-- An empty log, which is found before the real one.
CREATE SCHEMA {schema};
CREATE TABLE {schema}.events (LIKE eventstore.events)

-- name: tell
-- One event into that log.
INSERT INTO {schema}.events (
    position, tenant_id, event_id, stream_id, category, stream_version, event_type, schema_version,
    correlation_id, causation_id, agent, target_agent, retention_class, data, data_hash, metadata,
    occurred_at, recorded_at)
VALUES (
    %(position)s, %(tenant_id)s, %(event_id)s, %(stream_id)s, %(category)s, %(stream_version)s,
    %(event_type)s, %(schema_version)s, %(correlation_id)s, %(causation_id)s, %(agent)s,
    %(target_agent)s, %(retention_class)s, %(data)s::text::json, %(data_hash)s,
    %(metadata)s::text::json, %(occurred_at)s, %(recorded_at)s)
