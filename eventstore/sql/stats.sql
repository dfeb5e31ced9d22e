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
