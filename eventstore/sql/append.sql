-- name: append
-- Appends a batch of requests in one round trip and one transaction, with an outcome for each.
SELECT positions, stream_versions, refusals
  FROM eventstore.append($1, $2, $3, $4, $5, $6, $7, $8)

-- name: append_decided
-- Appends one request if what it rests on holds; raises the refusal, with its facts.
SELECT positions, stream_versions
  FROM eventstore.append_decided(
       %(tenant)s, %(stream_ids)s, %(append_request)s, %(append_stream)s, %(append_expected)s,
       %(append_events)s, %(event_ids)s, %(bodies)s,
       %(unchanged_streams)s, %(unchanged_versions)s, %(claims)s, %(releases)s,
       %(conditions)s)

-- name: mark_stream
-- Appends the event by which a stream is closed, reopened or described, and does what it says.
SELECT positions, stream_versions
  FROM eventstore.mark_stream(%(tenant)s, %(stream_ids)s, %(append_request)s, %(append_stream)s,
                              %(append_expected)s, %(append_events)s, %(event_ids)s, %(bodies)s)

-- name: append_one
-- Appends one event that needs no close look: {stream_version before, position}, or NULL.
SELECT eventstore.append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: append_several
-- Appends several events that need no close look: {stream_version before, positions ...}, or NULL.
SELECT eventstore.append_several($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: append_together
-- Appends to several streams that need no close look: {stream_versions ..., positions ...}, or NULL.
SELECT eventstore.append_together($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: ensure_partitions
-- Creates the partitions of this month and the coming ones, where they are missing.
SELECT eventstore.heal_partitions()
