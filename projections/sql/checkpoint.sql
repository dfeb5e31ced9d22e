-- name: acquire
-- Takes the lease if nobody holds it, or its holder gave no sign of life in time; no row if not.
-- A row that is locked is held by somebody who is at work.
UPDATE projections.checkpoints AS c
   SET holder = %(holder)s, state = 'running', fencing_token = fencing_token + 1,
       heartbeat_at = clock_timestamp(), lease_seconds = %(lease_seconds)s,
       events_per_second = 0, updated_at = clock_timestamp()
  FROM (SELECT projection, build, shard FROM projections.checkpoints
         WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
           AND projection_version = %(projection_version)s
           AND (shards = 1 OR coalesce(shard_by, %(shard_by)s) = %(shard_by)s)
           AND (holder IS NULL
                OR heartbeat_at + make_interval(secs => lease_seconds) < clock_timestamp())
           FOR UPDATE SKIP LOCKED) AS free
 WHERE (c.projection, c.build, c.shard) = (free.projection, free.build, free.shard)
RETURNING fencing_token, position, shards

-- name: begin
-- Makes the checkpoint of a projection that never ran: of the version that its tables are for,
-- whatever ours is. Answers 0 when there are no tables.
WITH there AS (
    SELECT DISTINCT projection, projection_version
      FROM projections.live_tables WHERE projection = %(projection)s
), begun AS (
    INSERT INTO projections.checkpoints (projection, build, shard, projection_version)
    SELECT projection, %(build)s, %(shard)s, projection_version FROM there
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM there

-- name: current
-- Where a projection is, and who is at it.
SELECT projection_version, position, state, holder,
       extract(epoch FROM clock_timestamp() - heartbeat_at)::double precision AS silent_seconds,
       lease_seconds, shards, shard_by
  FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s

-- name: position
-- The last position that every shard of a build has applied.
SELECT coalesce(min(position), 0) FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = %(build)s

-- name: others
-- The position that all other shards of a build have reached.
SELECT coalesce(min(position), 9223372036854775807) FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = %(build)s AND shard <> %(shard)s

-- name: advance
-- Moves the checkpoint, in the transaction of its rows; raises ES102 when the lease is lost. That
-- limits the time of the transaction, whose end costs the connection and does not say why. So what
-- follows has limits that come earlier: an error tells a statement that takes too long, which may
-- be an event's doing, from one that waits for a lock, which is not.
SELECT projections.advance(
           %(projection)s, %(build)s, %(shard)s, %(fencing_token)s, %(position)s, %(until)s,
           %(events)s, %(events_per_second)s),
       set_config('statement_timeout', %(statement_timeout)s, true),
       set_config('lock_timeout', %(lock_timeout)s, true)

-- name: heartbeat
-- A sign of life between batches.
UPDATE projections.checkpoints
   SET heartbeat_at = clock_timestamp(), events_per_second = %(events_per_second)s
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s

-- name: confirm
-- A sign of life, if the checkpoint is where the holder left it.
UPDATE projections.checkpoints SET heartbeat_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s AND position = %(position)s

-- name: resume
-- A sign of life after a reconnect; says where the last commit that came through left it.
UPDATE projections.checkpoints SET heartbeat_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s AND holder = %(holder)s
RETURNING position

-- name: release
-- Gives the lease back, so that the next projector need not wait until it runs out.
UPDATE projections.checkpoints
   SET holder = NULL, state = 'stopped', events_per_second = 0, updated_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s

-- name: fail
-- Gives the lease back with the reason why the projection can't go on.
UPDATE projections.checkpoints
   SET holder = NULL, state = 'failed', events_per_second = 0, updated_at = clock_timestamp(),
       last_error = %(error)s::jsonb
                    || jsonb_build_object('failed_at', to_jsonb(clock_timestamp()))
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s AND position = %(position)s
