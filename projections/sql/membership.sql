-- name: be_brief
-- Limits the transaction: the rows of a daemon that stands still in the middle of one are locked,
-- and what is locked counts as being worked at, so nobody would take its shards over.
SELECT set_config('transaction_timeout', '10s', true)

-- name: beat
-- A daemon's sign of life; the first one, or one after a silence that was too long, makes its row.
INSERT INTO projections.daemons AS d (id, host, pid, runs, gave_up, lease_seconds)
VALUES (%(id)s, %(host)s, %(pid)s, %(runs)s::jsonb, %(gave_up)s, %(lease_seconds)s)
ON CONFLICT (id) DO UPDATE
   SET heartbeat_at = clock_timestamp(), runs = excluded.runs, gave_up = excluded.gave_up

-- name: forget_the_dead
-- Removes the daemons that gave no sign of life in time.
DELETE FROM projections.daemons
 WHERE id IN (SELECT id FROM projections.daemons
               WHERE heartbeat_at + make_interval(secs => lease_seconds) < clock_timestamp()
                 FOR UPDATE SKIP LOCKED)

-- name: leave
-- Removes a daemon that ends.
DELETE FROM projections.daemons WHERE id = %(id)s

-- name: beat_leases
-- Signs of life for all leases that a daemon holds. One that is locked is just being moved by its
-- projector, which is a sign as well.
WITH ours AS MATERIALIZED (
    SELECT c.projection, c.build, c.shard, held.rate
      FROM unnest(%(projections)s::text[], %(shards)s::smallint[], %(fencing_tokens)s::bigint[],
                  %(rates)s::double precision[])
           AS held (projection, shard, fencing_token, rate)
      JOIN projections.checkpoints AS c
        ON c.projection = held.projection AND c.build = 'live' AND c.shard = held.shard
     WHERE c.fencing_token = held.fencing_token
       FOR UPDATE OF c SKIP LOCKED
)
UPDATE projections.checkpoints AS c
   SET heartbeat_at = clock_timestamp(), events_per_second = ours.rate
  FROM ours
 WHERE (c.projection, c.build, c.shard) = (ours.projection, ours.build, ours.shard)
   AND c.holder IS NOT NULL

-- name: members
-- The daemons that are alive.
SELECT id, runs, gave_up FROM projections.daemons
 WHERE heartbeat_at + make_interval(secs => lease_seconds) >= clock_timestamp()
 ORDER BY id

-- name: units
-- Every shard of the live projections; a lease that has run out has no holder.
SELECT projection, shard, projection_version, position, state, fencing_token,
       CASE WHEN heartbeat_at + make_interval(secs => lease_seconds) >= clock_timestamp()
            THEN holder END
  FROM projections.checkpoints
 WHERE build = 'live'
 ORDER BY projection, shard

-- name: daemons
-- The daemons that are alive, and how many shards each one holds.
SELECT d.id, d.host, d.pid, d.runs, d.gave_up, count(c.holder), d.started_at,
       extract(epoch FROM clock_timestamp() - d.heartbeat_at)::double precision
  FROM projections.daemons AS d
  LEFT JOIN projections.checkpoints AS c ON c.holder = d.id AND c.build = 'live'
 WHERE d.heartbeat_at + make_interval(secs => d.lease_seconds) >= clock_timestamp()
 GROUP BY d.id
 ORDER BY d.id
