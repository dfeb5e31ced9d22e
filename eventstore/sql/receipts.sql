-- name: places
-- Where events are recorded, by their ids; the position is NULL when their month is detached.
SELECT guard.event_id, guard.stream_id, guard.stream_version, e.position
  FROM eventstore.event_ids AS guard
  LEFT JOIN eventstore.events AS e
    ON e.tenant_id = guard.tenant_id AND e.stream_id = guard.stream_id
   AND e.stream_version = guard.stream_version
 WHERE guard.tenant_id = %(tenant)s AND guard.event_id = ANY (%(event_ids)s)
