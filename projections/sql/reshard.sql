-- name: take_all
-- Takes the leases of all shards from whoever has them. A batch under way ends first; whoever sent
-- it finds its fencing token out of date with the next one. No row when there is no such build.
WITH ours AS MATERIALIZED (
    SELECT projection, build, shard, state AS state_before, last_error
      FROM projections.checkpoints
     WHERE projection = %(projection)s AND build = 'live'
     ORDER BY shard FOR UPDATE
)
UPDATE projections.checkpoints AS c
   SET holder = %(holder)s, state = 'running', fencing_token = fencing_token + 1,
       heartbeat_at = clock_timestamp(), lease_seconds = %(lease_seconds)s,
       events_per_second = 0, updated_at = clock_timestamp()
  FROM ours
 WHERE (c.projection, c.build, c.shard) = (ours.projection, ours.build, ours.shard)
   AND NOT EXISTS (SELECT FROM ours WHERE state_before IN ('failed', 'paused'))
RETURNING c.shard, shards, fencing_token, position

-- name: shards
-- The shards of a live projection, and whether they can go on.
SELECT shard, projection_version, shards, shard_by, state, last_error ->> 'error'
  FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = 'live'
 ORDER BY shard

-- name: reshard
-- Puts the new shards in the place of the old ones; -1 when a lease is lost.
SELECT projections.reshard(
    %(projection)s, %(fencing_tokens)s::bigint[], %(shards)s, %(shard_by)s::text)
