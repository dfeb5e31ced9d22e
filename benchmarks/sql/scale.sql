-- name: fill
-- Made-up events as if they had been appended: with ids, streams, positions, hashes and times of
-- their own. In a block, a tenth as many streams have ten each, in turn, and two streams are one
-- run. For a log that nobody else appends to. As the superuser, who alone may write here.
WITH made AS (
    SELECT i, i / %(block)s * (%(block)s / 10) + i %% (%(block)s / 10) AS stream,
           i %% %(block)s / (%(block)s / 10) + 1 AS stream_version,
           %(from_time)s::timestamptz
               + (%(until_time)s::timestamptz - %(from_time)s::timestamptz) * i / %(total)s AS at
      FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS i
     ORDER BY i
), told AS (
    SELECT *, format('scale-%%s', stream) AS stream_id,
           (lpad(to_hex(stream / 2), 12, '0') || '7' || substr(md5((stream / 2)::text), 1, 3)
               || '8' || substr(md5((stream / 2)::text), 4, 15))::uuid AS run
      FROM made
), recorded AS (
    INSERT INTO eventstore.events (
        position, tenant_id, event_id, stream_id, category, stream_version, event_type,
        schema_version, correlation_id, agent, retention_class, data, data_hash, metadata,
        occurred_at, recorded_at)
    SELECT nextval('eventstore.events_position_seq'), 'default', uuidv7(), stream_id, 'scale',
           stream_version, 'bench.step_taken', 1, run, 'writer',
           (%(classes)s::text[])[1 + stream %% cardinality(%(classes)s::text[])],
           %(payload)s::text::json, sha256(convert_to(%(payload)s::text, 'UTF8')), '{}', at, at
      FROM told
    RETURNING event_id, stream_id, stream_version
), claimed AS (
    INSERT INTO eventstore.event_ids (tenant_id, event_id, stream_id, stream_version)
    SELECT 'default', event_id, stream_id, stream_version FROM recorded
)
INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
SELECT 'default', stream_id, max(stream_version) FROM recorded GROUP BY stream_id

-- name: runs
-- The runs of some streams.
SELECT correlation_id FROM eventstore.events
 WHERE tenant_id = 'default' AND stream_version = 1 AND stream_id = ANY (%(streams)s)

-- name: make_partition
-- A partition as ensure_partitions makes it, of any month.
CREATE TABLE eventstore.{name} (LIKE eventstore.events INCLUDING ALL)

-- name: protect_partition
-- And protected as there.
SELECT eventstore.protect_log(format('eventstore.%%I', %(name)s::text)::regclass)

-- name: attach_partition
-- And attached.
SELECT eventstore.attach_partition(%(name)s)

-- name: drop_partition
-- Removes one that is not wanted; it is empty.
DROP TABLE eventstore.{name}

-- name: tidy
-- What autovacuum does a minute later, done now.
VACUUM ANALYZE

-- name: pids
-- The backends of the store's reads and appends.
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE 'eventstore %%' AND usename = 'eventstore'
