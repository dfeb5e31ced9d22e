-- name: be_brief_and_lazy
-- A crash of the server may lose the last moves of checkpoints over events of others; and a daemon
-- that stands still in the middle of the transaction is not waited for.
SELECT set_config('synchronous_commit', 'off', true),
       set_config('transaction_timeout', '10s', true)

-- name: settle
-- Moves checkpoints over events of others, where they are as their holders left them; says which.
WITH due AS MATERIALIZED (
    SELECT c.projection, c.build, c.shard, ours.until
      FROM unnest(%(projections)s::text[], %(shards)s::smallint[], %(fencing_tokens)s::bigint[],
                  %(positions)s::bigint[], %(untils)s::bigint[])
           AS ours (projection, shard, fencing_token, position, until)
      JOIN projections.checkpoints AS c
        ON c.projection = ours.projection AND c.build = 'live' AND c.shard = ours.shard
     WHERE c.fencing_token = ours.fencing_token AND c.position = ours.position
       AND c.state = 'running'
       FOR UPDATE OF c SKIP LOCKED
)
UPDATE projections.checkpoints AS c
   SET position = due.until, heartbeat_at = clock_timestamp(), updated_at = clock_timestamp()
  FROM due
 WHERE (c.projection, c.build, c.shard) = (due.projection, due.build, due.shard)
RETURNING c.projection, c.shard
