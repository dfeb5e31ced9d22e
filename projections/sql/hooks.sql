-- name: be_brief
-- A holder that stands still in the middle of the transaction is not waited for, which would be
-- without end; another one is waited for as long as for any lock.
SELECT set_config('transaction_timeout', '30s', true)

-- name: wait_for_others
-- One shard after the other begins a hook, where the number of shards has changed.
SELECT FROM projections.hooks
 WHERE projection = %(projection)s AND hook = %(hook)s
 ORDER BY shards, shard
   FOR UPDATE

-- name: claim
-- Takes a hook over for the holder of a shard's lease, and says where it is; no row when the lease
-- is lost. A hook that was never seen begins where it is told to; one whose projection had another
-- number of shards, where every old shard has been.
INSERT INTO projections.hooks (projection, hook, shards, shard, position, fencing_token)
SELECT c.projection, %(hook)s, c.shards, c.shard,
       coalesce((SELECT min(h.position) FROM projections.hooks AS h
                  WHERE h.projection = c.projection AND h.hook = %(hook)s
                    AND h.shards <> c.shards), %(start)s),
       c.fencing_token
  FROM projections.checkpoints AS c
 WHERE c.projection = %(projection)s AND c.build = 'live' AND c.shard = %(shard)s
   AND c.fencing_token = %(fencing_token)s
ON CONFLICT (projection, hook, shards, shard) DO UPDATE
   SET fencing_token = excluded.fencing_token
RETURNING shards, position

-- name: forget_former_shards
-- Once every shard of the new number has begun.
DELETE FROM projections.hooks AS h
 WHERE h.projection = %(projection)s AND h.hook = %(hook)s AND h.shards <> %(shards)s
   AND %(shards)s = (SELECT count(*) FROM projections.hooks AS h
                      WHERE h.projection = %(projection)s AND h.hook = %(hook)s
                        AND h.shards = %(shards)s)

-- name: one_snapshot
-- Begins a transaction in which all statements see the same moment: what is applied, and what is
-- held. Else an event could be told before an earlier one of its rows that was held till then.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: look
-- How far the shard has come, and which events were applied late; no row when the lease is lost.
SELECT c.position,
       ARRAY (SELECT b.position FROM projections.hook_backlog AS b
               WHERE b.projection = c.projection AND b.hook = %(hook)s
                 AND b.position <= %(position)s
                 AND eventstore.shard_of(b.shard_key, c.shards) = c.shard
               ORDER BY b.position LIMIT %(limit)s)
  FROM projections.checkpoints AS c
 WHERE c.projection = %(projection)s AND c.build = 'live' AND c.shard = %(shard)s
   AND c.fencing_token = %(fencing_token)s

-- name: held
-- Which of these events are held, and so not applied.
SELECT position FROM projections.failures
 WHERE projection = %(projection)s AND build = 'live' AND position = ANY (%(positions)s)

-- name: be_brief_and_lazy
-- A crash of the server may take back the last moments; the hook is then told of them again. And a
-- holder that stands still in the middle of the transaction is not waited for.
SELECT set_config('synchronous_commit', 'off', true),
       set_config('transaction_timeout', '10s', true)

-- name: advance
-- Moves the hook's position, if it is where the holder left it and the holder's token counts.
UPDATE projections.hooks
   SET position = %(until)s, told = told + cardinality(%(positions)s::bigint[]),
       attempts = 0, last_error = NULL, retry_at = NULL, updated_at = clock_timestamp()
 WHERE projection = %(projection)s AND hook = %(hook)s AND shards = %(shards)s
   AND shard = %(shard)s AND fencing_token = %(fencing_token)s AND position = %(position)s

-- name: caught_up
-- Takes from the backlog what was told.
DELETE FROM projections.hook_backlog
 WHERE projection = %(projection)s AND hook = %(hook)s AND position = ANY (%(positions)s)

-- name: fail
-- Keeps the error of a hook, and when it will be tried again.
UPDATE projections.hooks
   SET attempts = attempts + 1, updated_at = clock_timestamp(),
       last_error = %(error)s::jsonb
                    || jsonb_build_object('failed_at', to_jsonb(clock_timestamp())),
       retry_at = clock_timestamp() + make_interval(secs => %(retry_in)s)
 WHERE projection = %(projection)s AND hook = %(hook)s AND shards = %(shards)s
   AND shard = %(shard)s AND fencing_token = %(fencing_token)s AND position = %(position)s

-- name: tell_late
-- Puts held events that are applied now into the backlog of every hook.
SELECT projections.tell_hooks_late(%(projection)s, %(positions)s)

-- name: forget
-- Removes a hook that is gone for good; its first row says that it was there.
WITH owed AS (
    DELETE FROM projections.hook_backlog
     WHERE projection = %(projection)s AND hook = %(hook)s
)
DELETE FROM projections.hooks
 WHERE projection = %(projection)s AND hook = %(hook)s
RETURNING position
