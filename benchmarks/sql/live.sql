-- name: hold_back
-- Holds the watermark where it is, as an append in flight does, until the session ends: what is
-- appended meanwhile comes to all readers at one moment.
SELECT pg_advisory_lock_shared(
    (17750::bigint << 48) | coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0))

-- name: last_position
-- Of the last event that a projection has to apply.
SELECT position FROM eventstore.events
 WHERE event_type = ANY (%(event_types)s)
 ORDER BY position DESC LIMIT 1

-- name: progress
-- How far each projection is, and who works on it.
SELECT projection, min(position), array_agg(holder ORDER BY shard)
  FROM projections.checkpoints WHERE build = 'live' GROUP BY projection
