-- name: categories
-- Streams and events of each category, exact: a stream's version is the number of its events.
SELECT split_part(stream_id, '-', 1) AS category, count(*) AS streams,
       sum(stream_version)::bigint AS events
  FROM eventstore.streams
 WHERE tenant_id = %(tenant)s AND stream_version > 0
 GROUP BY 1
 ORDER BY 3 DESC, 1

-- name: event_types
-- Events of each type, by reading all of them.
SELECT event_type, retention_class, count(*) AS events
  FROM eventstore.events
 WHERE tenant_id = %(tenant)s
 GROUP BY 1, 2
 ORDER BY 3 DESC, 1

-- name: event_types_sampled
-- The same of a part of the log's pages; REPEATABLE, so that an unchanged log answers alike.
SELECT event_type, retention_class, count(*) AS events
  FROM eventstore.events TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
 WHERE tenant_id = %(tenant)s
 GROUP BY 1, 2
 ORDER BY 3 DESC, 1

-- name: ends
-- When the first and the last event were recorded: two steps into the index of positions.
SELECT (SELECT recorded_at FROM eventstore.events
         WHERE tenant_id = %(tenant)s ORDER BY position LIMIT 1),
       (SELECT recorded_at FROM eventstore.events
         WHERE tenant_id = %(tenant)s ORDER BY position DESC LIMIT 1)

-- name: partition_counts
-- Events of each partition, by reading all of them.
SELECT tableoid::regclass::oid AS relation, count(*) AS events
  FROM eventstore.events
 WHERE tenant_id = %(tenant)s
 GROUP BY 1

-- name: appends_in_flight
-- The appends that hold the watermark back at this moment, the oldest first.
SELECT lower_bound, pid, login::text, application, began_at, state, prepared
  FROM eventstore.appends_in_flight()
