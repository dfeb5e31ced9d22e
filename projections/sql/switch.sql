-- name: drop_build
-- Removes what an earlier rebuild left behind, or replaced.
SELECT projections.drop_build(%(projection)s, %(build)s)

-- name: patience
-- How long the switch may make readers wait behind it before it gives up and tries again later.
SELECT set_config('lock_timeout', %(milliseconds)s, true)

-- name: switch
-- 0 when switched, -1 when the lease is lost, else the position that has to be reached first.
SELECT projections.switch_builds(%(projection)s, %(tables)s, %(fencing_token)s)
