-- name: checkpoints
-- Every checkpoint, with the age of its last sign of life.
SELECT projection, build, shard, shards, projection_version, position, applied, events_per_second,
       state, holder, extract(epoch FROM clock_timestamp() - heartbeat_at)::double precision,
       lease_seconds, last_error, starts_after
  FROM projections.checkpoints
 WHERE build <> 'old'
 ORDER BY projection, build, shard

-- name: lag
-- How many events wait on each of some shards after its own position, and for how long the first
-- of them has. One walk through the log for all, from the lowest position on and up to a cap; says
-- how many it met and how far it came.
WITH waiting AS MATERIALIZED (
    SELECT position, recorded_at, eventstore.shard_of(data ->> %(field)s, %(shards)s) AS shard
      FROM eventstore.events
     WHERE position > %(after)s AND position <= %(until)s
       AND event_type = ANY (%(event_types)s)
     ORDER BY position LIMIT %(cap)s
)
SELECT known.shard, count(waiting.position),
       extract(epoch FROM clock_timestamp() - min(waiting.recorded_at))::double precision,
       (SELECT count(*) FROM waiting), (SELECT max(position) FROM waiting)
  FROM unnest(%(known)s::smallint[], %(positions)s::bigint[]) AS known (shard, position)
  LEFT JOIN waiting ON waiting.shard = known.shard AND waiting.position > known.position
 GROUP BY known.shard

-- name: failures
-- Events that are held on each shard: those that failed, and those that wait behind them.
SELECT f.projection, f.build, eventstore.shard_of(f.shard_key, c.shards) AS shard,
       count(*) FILTER (WHERE f.behind IS NULL), count(*) FILTER (WHERE f.behind IS NOT NULL)
  FROM projections.failures AS f
  JOIN projections.checkpoints AS c
    ON c.projection = f.projection AND c.build = f.build AND c.shard = 0
 GROUP BY 1, 2, 3

-- name: hooks
-- Every hook on each live shard, and what it owes of events that were applied late.
SELECT h.projection, h.shard, h.hook, h.position, h.told, h.attempts,
       extract(epoch FROM h.retry_at - clock_timestamp())::double precision, h.last_error,
       (SELECT count(*) FROM projections.hook_backlog AS b
         WHERE b.projection = h.projection AND b.hook = h.hook AND b.position <= h.position
           AND eventstore.shard_of(b.shard_key, h.shards) = h.shard)
  FROM projections.hooks AS h
  JOIN projections.checkpoints AS c
    ON c.projection = h.projection AND c.build = 'live' AND c.shards = h.shards
   AND c.shard = h.shard
 ORDER BY h.projection, h.shard, h.hook

-- name: held_back
-- The oldest append in flight: no reader goes past its lower bound.
SELECT lower_bound, pid, login, application, began_at, state, prepared,
       extract(epoch FROM clock_timestamp() - began_at)::double precision
  FROM eventstore.appends_in_flight() LIMIT 1
