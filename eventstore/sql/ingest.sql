-- name: recorded
-- Which of these events are recorded, in which stream, and the hash of what they say. The order
-- names the index, as in receipts.sql.
SELECT guard.event_id, guard.stream_id, e.data_hash
  FROM eventstore.event_ids AS guard
  JOIN LATERAL (
       SELECT data_hash, stream_version FROM eventstore.events
        WHERE tenant_id = guard.tenant_id AND stream_id = guard.stream_id
          AND stream_version >= guard.stream_version
        ORDER BY stream_version LIMIT 1) AS e
    ON e.stream_version = guard.stream_version
 WHERE guard.tenant_id = %(tenant)s AND guard.event_id = ANY (%(event_ids)s::uuid[])
