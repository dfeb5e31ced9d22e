-- name: hold_tables
-- Keeps a rebuild from switching tables while they are compared.
LOCK TABLE {tables} IN ACCESS SHARE MODE

-- name: checkpoints
-- What the rows claim to be, shard by shard.
SELECT projection_version, starts_after, position FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = 'live' ORDER BY shard
