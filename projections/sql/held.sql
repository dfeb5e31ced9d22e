-- name: hold
-- Records events that were not applied: for the first time, or once more. What the log knows of
-- them comes from the log. The database may come to accept what it refused, so that is tried again:
-- after a second, and after twice as long each time, up to an hour.
INSERT INTO projections.failures AS known (
    projection, build, position, tenant_id, event_id, event_type, stream_id, keys, shard_key,
    behind, origin, error, traceback, attempts, tried_at, retry_at)
SELECT %(projection)s, %(build)s, event.position, event.tenant_id, event.event_id,
       event.event_type, event.stream_id, held.keys, event.data ->> %(shard_by)s,
       held.behind, held.origin, held.error, held.traceback,
       CASE WHEN held.behind IS NULL THEN 1 ELSE 0 END,
       CASE WHEN held.behind IS NULL THEN clock_timestamp() END,
       CASE held.origin WHEN 'database' THEN clock_timestamp() + interval '1 second' END
  FROM json_to_recordset(%(held)s::text::json) AS held (
           position bigint, keys text[], behind bigint, origin text, error text, traceback text)
  JOIN eventstore.events AS event ON event.position = held.position
 ORDER BY event.position
ON CONFLICT (projection, build, position) DO UPDATE
   SET keys = excluded.keys, behind = excluded.behind, origin = excluded.origin,
       error = excluded.error, traceback = excluded.traceback,
       attempts = known.attempts + excluded.attempts,
       tried_at = coalesce(excluded.tried_at, known.tried_at),
       retry_at = CASE excluded.origin WHEN 'database'
                  THEN clock_timestamp() + make_interval(
                           secs => least(2.0 ^ least(known.attempts, 12), 3600)) END

-- name: hold_for_build
-- Records events that a build under way does not apply. Its owner does not read the log, so all that
-- is known of them comes along.
INSERT INTO projections.failures (
    projection, build, position, tenant_id, event_id, event_type, stream_id, keys, shard_key,
    behind, origin, error, traceback, attempts, tried_at, retry_at)
SELECT %(projection)s, %(build)s, held.position, held.tenant_id, held.event_id, held.event_type,
       held.stream_id, held.keys, held.shard_key,
       held.behind, held.origin, held.error, held.traceback,
       CASE WHEN held.behind IS NULL THEN 1 ELSE 0 END,
       CASE WHEN held.behind IS NULL THEN clock_timestamp() END,
       CASE held.origin WHEN 'database' THEN clock_timestamp() + interval '1 second' END
  FROM json_populate_recordset(NULL::projections.failures, %(held)s::text::json) AS held

-- name: let_go
-- Forgets events that were applied after all, or discarded.
DELETE FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s AND position = ANY (%(positions)s)

-- name: page
-- The events of one shard that are held after a position, in order; due says that it is time.
SELECT position, behind, keys, origin, coalesce(retry_at <= clock_timestamp(), false) AS due
  FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s AND position > %(after)s
   AND eventstore.shard_of(shard_key, %(shards)s) = %(shard)s
 ORDER BY position
 LIMIT %(limit)s

-- name: is_due
-- Whether it is time to try any event of one shard again.
SELECT EXISTS (
    SELECT FROM projections.failures
     WHERE projection = %(projection)s AND build = %(build)s AND retry_at <= clock_timestamp()
       AND eventstore.shard_of(shard_key, %(shards)s) = %(shard)s)

-- name: positions
-- All events that are held after a position.
SELECT position FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s AND position > %(after)s

-- name: origins
-- All events that are held, and what objected to them.
SELECT tenant_id, position, origin FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s

-- name: pause
-- Says that the holder of the lease goes no further, and why.
UPDATE projections.checkpoints
   SET state = 'paused', last_error = %(error)s::jsonb
                    || jsonb_build_object('failed_at', to_jsonb(clock_timestamp())),
       heartbeat_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s

-- name: go_on
-- Says that it goes on after a pause.
UPDATE projections.checkpoints
   SET state = 'running', last_error = NULL,
       heartbeat_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s

-- name: all
-- All events that a build holds, in order.
SELECT position, behind, keys FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s ORDER BY position

-- name: count
-- How many events a build holds.
SELECT count(*) FROM projections.failures
 WHERE projection = %(projection)s AND build = %(build)s
