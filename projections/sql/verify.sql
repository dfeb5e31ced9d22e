-- name: hold_tables
-- Keeps a rebuild from switching tables while they are compared.
LOCK TABLE {tables} IN ACCESS SHARE MODE

-- name: checkpoint
-- What the rows claim to be.
SELECT projection_version, position FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = 'live' AND shard = 0
