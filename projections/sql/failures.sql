-- name: listed
-- What has failed in the live tables, with how many events wait for each.
SELECT failure.projection, failure.position, failure.tenant_id, failure.event_id,
       failure.event_type, failure.stream_id, failure.origin, failure.error, failure.attempts,
       failure.held_at, failure.tried_at, failure.retry_at, coalesce(waiting.events, 0)
  FROM projections.failures AS failure
  LEFT JOIN (SELECT projection, behind, count(*) AS events FROM projections.failures
              WHERE build = 'live' AND behind IS NOT NULL
              GROUP BY projection, behind) AS waiting
    ON waiting.projection = failure.projection AND waiting.behind = failure.position
 WHERE failure.projection = ANY (%(projections)s) AND failure.build = 'live'
   AND failure.behind IS NULL
 ORDER BY failure.projection, failure.position

-- name: one
-- All that is known of one event that is held.
SELECT projection, position, tenant_id, event_id, event_type, stream_id, behind, origin,
       error, traceback, attempts, held_at, tried_at, retry_at, keys
  FROM projections.failures
 WHERE projection = %(projection)s AND build = 'live' AND position = %(position)s

-- name: waiting
-- What waits for one event that failed.
SELECT position, event_type, stream_id FROM projections.failures
 WHERE projection = %(projection)s AND build = 'live' AND behind = %(position)s
 ORDER BY position

-- name: mark
-- Asks the holder of the lease to try events that failed again, at once. In order, so that two who
-- ask, or the holder who writes, never wait for one another.
WITH chosen AS MATERIALIZED (
    SELECT position FROM projections.failures
     WHERE projection = %(projection)s AND build = 'live' AND behind IS NULL
       AND (%(positions)s::bigint[] IS NULL OR position = ANY (%(positions)s))
     ORDER BY position FOR UPDATE
)
UPDATE projections.failures AS failure SET retry_at = clock_timestamp()
  FROM chosen
 WHERE failure.projection = %(projection)s AND failure.build = 'live'
   AND failure.position = chosen.position
RETURNING failure.position, failure.attempts

-- name: tried
-- What has become of some events: those that are still held, and how often they were tried.
SELECT position, behind, error, attempts FROM projections.failures
 WHERE projection = %(projection)s AND build = 'live' AND position = ANY (%(positions)s)
