-- name: checkpoints
-- Every checkpoint, with the age of its last sign of life.
SELECT projection, build, shard, projection_version, position, applied, events_per_second, state,
       holder, extract(epoch FROM clock_timestamp() - heartbeat_at)::double precision,
       lease_seconds, last_error
  FROM projections.checkpoints
 ORDER BY projection, build, shard

-- name: lag
-- How many events of some types wait after a position, counted up to a cap, and for how long the
-- first of them has waited.
SELECT count(*), extract(epoch FROM clock_timestamp() - min(recorded_at))::double precision
  FROM (SELECT recorded_at FROM eventstore.events
         WHERE position > %(after)s AND position <= %(until)s
           AND event_type = ANY (%(event_types)s)
         ORDER BY position LIMIT %(cap)s) AS waiting

-- name: held_back
-- The oldest append in flight: no reader goes past its lower bound.
SELECT lower_bound, pid, login, application, began_at, state, prepared
  FROM eventstore.appends_in_flight() LIMIT 1
