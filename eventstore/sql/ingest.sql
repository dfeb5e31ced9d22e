-- name: recorded
-- Which of these events are recorded, in which stream, and the hash of what they say.
SELECT guard.event_id, guard.stream_id, e.data_hash
  FROM eventstore.event_ids AS guard
  JOIN eventstore.events AS e
    ON e.tenant_id = guard.tenant_id AND e.stream_id = guard.stream_id
   AND e.stream_version = guard.stream_version
 WHERE guard.tenant_id = %(tenant)s AND guard.event_id = ANY (%(event_ids)s::uuid[])
