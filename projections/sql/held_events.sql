-- name: write
-- Stores events that a build holds.
INSERT INTO projections.failures
       (projection, build, position, tenant_id, event_id, event_type, stream_id, keys, shard_key,
        behind, origin, error, traceback, attempts, tried_at)
SELECT %(projection)s, %(build)s, position, tenant_id, event_id, event_type, stream_id, keys,
       shard_key, behind, origin, error, traceback, attempts,
       CASE WHEN behind IS NULL THEN clock_timestamp() END
  FROM json_populate_recordset(NULL::projections.failures, %(rows)s::text::json)

-- name: held
-- What a build holds, in order.
SELECT position, keys FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s ORDER BY position

-- name: failed
-- The held events that failed themselves.
SELECT position FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s AND behind IS NULL

-- name: count
-- How many events a build holds.
SELECT count(*) FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s
