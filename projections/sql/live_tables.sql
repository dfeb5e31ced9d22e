-- name: one_snapshot
-- Begins a transaction in which all statements see the same moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: hold_tables
-- Keeps a rebuild from switching tables between two statements. It takes no snapshot yet.
LOCK TABLE {tables} IN ACCESS SHARE MODE

-- name: checkpoints
-- What the rows claim to be, shard by shard.
SELECT projection_version, starts_after, position FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = 'live' ORDER BY shard
