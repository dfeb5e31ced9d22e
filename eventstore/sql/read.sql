-- name: watermark
-- The highest position below which nothing can still appear: statements one and two of three.
SELECT eventstore.watermark()

-- name: log_page
-- A page of the log in order, of one tenant or of all: the third statement, whose snapshot is newer
-- than the watermark's.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.log_page(%(tenant)s, %(after)s, %(until)s, %(limit)s,
                           %(event_types)s, %(categories)s)

-- name: shard_page
-- The same, of the events that fall into one shard: by the hash of one of the fields of their
-- payloads. An event without that field is in shard 0.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.log_page(%(tenant)s, %(after)s, %(until)s, %(limit)s, %(event_types)s,
                           field => %(field)s, shards => %(shards)s, shard => %(shard)s)

-- name: page_before
-- A page of the log, newest first.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.events
 WHERE position < %(before)s
   AND (%(tenant)s::text IS NULL OR tenant_id = %(tenant)s)
   AND (%(event_types)s::text[] IS NULL OR event_type = ANY (%(event_types)s))
   AND (%(categories)s::text[] IS NULL OR category = ANY (%(categories)s))
 ORDER BY position DESC
 LIMIT %(limit)s

-- name: stream_forwards
-- A page of one stream, oldest first. No watermark: a stream's versions appear in order.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.stream_page(%(tenant)s, %(stream_id)s, %(from_version)s, %(limit)s, false)

-- name: stream_backwards
-- A page of one stream, newest first.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.stream_page(%(tenant)s, %(stream_id)s, %(from_version)s, %(limit)s, true)

-- name: correlation
-- A page of one run, in log order.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.run_page(%(tenant)s, %(correlation_id)s, %(after)s, %(limit)s)

-- name: event
-- One event by its id, through the guard, which knows its place.
SELECT e.position, e.tenant_id, e.event_id, e.stream_id, e.category, e.stream_version, e.event_type,
       e.schema_version, e.correlation_id, e.causation_id, e.agent, e.target_agent,
       e.retention_class, e.data, e.data_hash, e.metadata, e.occurred_at, e.recorded_at, e.tags
  FROM eventstore.event_ids AS guard
 CROSS JOIN LATERAL eventstore.stream_page(
           guard.tenant_id, guard.stream_id, guard.stream_version, 1, false) AS e
 WHERE guard.tenant_id = %(tenant)s AND guard.event_id = %(event_id)s
   AND e.stream_version = guard.stream_version

-- name: events_at
-- Events by their positions, as far as they are there, in order.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.events_at(%(positions)s::bigint[])

-- name: event_at
-- The id and hash of the event at a position, to compare with a checkpoint kept elsewhere.
SELECT event_id, data_hash FROM eventstore.events_at(ARRAY[%(position)s]::bigint[])
 WHERE %(tenant)s::text IS NULL OR tenant_id = %(tenant)s

-- name: stream_version
-- The stream_version now; no row when the stream does not exist.
SELECT stream_version FROM eventstore.streams
 WHERE tenant_id = %(tenant)s AND stream_id = %(stream_id)s AND stream_version > 0

-- name: streams
-- A page of the streams in order of their ids, of one category or of all.
SELECT stream_id, stream_version, closed_at FROM eventstore.streams
 WHERE tenant_id = %(tenant)s AND stream_id > %(after)s AND stream_version > 0
   AND (%(category)s::text IS NULL OR stream_id = %(category)s
        OR starts_with(stream_id, %(category)s || '-'))
 ORDER BY stream_id
 LIMIT %(limit)s
