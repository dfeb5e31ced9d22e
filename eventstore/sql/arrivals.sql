-- name: arrived
-- Waits inside the server until one of some projections is where it is wanted; how far each is.
SELECT projection, reached FROM projections.arrived(%(projections)s, %(positions)s, %(looks)s)

-- name: hooks_told
-- Whether all hooks of a projection were told of what its tables have up to a position.
SELECT projections.hooks_told(%(projection)s, %(until)s)

-- name: held
-- The first of some events that a projection has not applied, and why: it failed, or it waits.
SELECT position, behind, error FROM projections.failures
 WHERE projection = %(projection)s AND build = 'live' AND position = ANY (%(positions)s)
 ORDER BY position LIMIT 1

-- name: laggard
-- The shard of a projection that is furthest behind.
SELECT position, state, holder, last_error ->> 'error' FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = 'live'
 ORDER BY position, shard LIMIT 1
