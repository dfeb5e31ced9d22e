-- name: places
-- Where events are recorded, by their ids; the position is NULL when their month is detached. The
-- order names the index: a plan of young tables might look through all of a tenant's for each.
SELECT guard.event_id, guard.stream_id, guard.stream_version, e.position
  FROM eventstore.event_ids AS guard
  LEFT JOIN LATERAL (
       SELECT position, stream_version FROM eventstore.events
        WHERE tenant_id = guard.tenant_id AND stream_id = guard.stream_id
          AND stream_version >= guard.stream_version
        ORDER BY stream_version LIMIT 1) AS e
    ON e.stream_version = guard.stream_version
 WHERE guard.tenant_id = %(tenant)s AND guard.event_id = ANY (%(event_ids)s)
