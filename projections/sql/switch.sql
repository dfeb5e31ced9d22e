-- name: drop_build
-- Removes what an earlier rebuild left behind, or replaced.
SELECT projections.drop_build(%(projection)s, %(build)s)

-- name: now
-- The time by the server's clock.
SELECT clock_timestamp()

-- name: old_snapshot
-- A transaction that may still use a snapshot from before a moment. Our own verifications do, but
-- they lock the tables that they read before they take it.
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %(began)s
   AND application_name NOT LIKE 'eventstore build %%'
 LIMIT 1

-- name: patience
-- How long the switch may make readers wait behind it before it gives up and tries again later.
SELECT set_config('lock_timeout', %(milliseconds)s, true)

-- name: keep_vacuum_away
-- An autovacuum would hold the switch up for as long as it takes. Nobody else waits for this lock.
SELECT projections.keep_vacuum_away(%(projection)s, %(source)s)

-- name: hold_live
-- How far the live tables are; until the end of the transaction they come no further.
SELECT coalesce(max(position), 0)
  FROM (SELECT position FROM projections.checkpoints
         WHERE projection = %(projection)s AND build = 'live' ORDER BY shard FOR UPDATE) AS live

-- name: switch
-- 0 when switched, -1 when the lease is lost, else the position that has to be reached first.
SELECT projections.switch_builds(%(projection)s, %(source)s, %(tables)s, %(fencing_token)s)

-- name: let_catch_up
-- The projector brings the old tables up to date, and has to reach them.
GRANT USAGE ON SCHEMA {schema} TO eventstore_projector

-- name: old
-- The version of the rules that made the old build, and whether somebody is at it.
SELECT projection_version,
       holder IS NOT NULL
       AND heartbeat_at + make_interval(secs => lease_seconds) >= clock_timestamp()
  FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = 'old' AND shard = 0
