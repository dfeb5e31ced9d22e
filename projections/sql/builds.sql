-- name: begin
-- Takes the lease of a rebuild; no row when somebody else is at it.
SELECT fencing_token, resumed, built
  FROM projections.begin_build(%(projection)s, %(projection_version)s, %(definition)s, %(shards)s,
                               %(starts_after)s, %(anew)s, %(holder)s, %(lease_seconds)s)

-- name: take_old
-- Takes the lease of all shards of the build that was replaced; no row when somebody else has it.
UPDATE projections.checkpoints
   SET holder = %(holder)s, state = 'running', last_error = NULL,
       fencing_token = (SELECT max(fencing_token) + 1 FROM projections.checkpoints
                         WHERE projection = %(projection)s),
       heartbeat_at = clock_timestamp(), lease_seconds = %(lease_seconds)s,
       updated_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = 'old'
   AND (holder IS NULL OR heartbeat_at + make_interval(secs => lease_seconds) < clock_timestamp())
RETURNING fencing_token, position

-- name: holder
-- Who is at a build.
SELECT holder,
       extract(epoch FROM clock_timestamp() - heartbeat_at)::double precision AS silent_seconds,
       lease_seconds
  FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = %(build)s AND shard = 0

-- name: shards
-- The shards of a build, and how far each is.
SELECT shard, position FROM projections.checkpoints
 WHERE projection = %(projection)s AND build = %(build)s ORDER BY shard

-- name: heartbeat
-- A sign of life for all shards, locked in the order in which the others lock them.
UPDATE projections.checkpoints AS c SET heartbeat_at = clock_timestamp()
  FROM (SELECT shard FROM projections.checkpoints
         WHERE projection = %(projection)s AND build = %(build)s
           AND fencing_token = %(fencing_token)s
         ORDER BY shard FOR UPDATE) AS mine
 WHERE c.projection = %(projection)s AND c.build = %(build)s AND c.shard = mine.shard

-- name: confirm
-- A sign of life, if the first checkpoint is where the holder left it.
UPDATE projections.checkpoints SET heartbeat_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND shard = %(shard)s
   AND fencing_token = %(fencing_token)s AND position = %(position)s

-- name: release
-- Gives the lease of all shards back.
UPDATE projections.checkpoints
   SET holder = NULL, state = 'stopped', events_per_second = 0, updated_at = clock_timestamp()
 WHERE projection = %(projection)s AND build = %(build)s AND fencing_token = %(fencing_token)s

-- name: fail
-- Gives the lease of all shards back with the reason why the build did not go on.
UPDATE projections.checkpoints
   SET holder = NULL, state = 'failed', events_per_second = 0, updated_at = clock_timestamp(),
       last_error = %(error)s::jsonb
                    || jsonb_build_object('failed_at', to_jsonb(clock_timestamp()))
 WHERE projection = %(projection)s AND build = %(build)s AND fencing_token = %(fencing_token)s

-- name: made
-- The tables are there, empty, for these rules; from now on the build can be resumed.
UPDATE projections.checkpoints SET definition = %(definition)s
 WHERE projection = %(projection)s AND build = 'rebuild' AND fencing_token = %(fencing_token)s

-- name: finish
-- Makes one checkpoint of those of the shards; false when the lease is lost.
SELECT projections.finish_build(%(projection)s, %(fencing_token)s, %(reached)s)

-- name: long_work
-- A build takes as long as it takes, and holds no lock that a reader or the projector waits for.
SELECT pid, set_config('statement_timeout', '0', pid <> %(backend)s) FROM pg_backend_pid() AS pid

-- name: create_schema
-- The schema in which the tables are built; the projector has to reach it to catch up.
CREATE SCHEMA {schema};
GRANT USAGE ON SCHEMA {schema} TO eventstore_projector

-- name: clone_structure
-- Empty tables without indexes.
SELECT projections.clone_structure(%(template)s, %(schema)s, %(tables)s)

-- name: clone_keys
-- Primary keys, for a build that has to look rows up.
SELECT projections.clone_keys(%(template)s, %(schema)s, %(tables)s)

-- name: memory_for_indexes
-- Room to sort in while indexes are built and foreign keys are checked, in this transaction.
SELECT set_config('maintenance_work_mem', '256MB', true), set_config('work_mem', '64MB', true),
       set_config('max_parallel_maintenance_workers', '2', true)

-- name: clone_constraints
-- Keys, indexes and foreign keys, which prove what was loaded.
SELECT projections.clone_constraints(%(template)s, %(schema)s, %(tables)s)

-- name: clone_protection
-- Row security, policies and grants.
SELECT projections.clone_protection(%(template)s, %(schema)s, %(tables)s)

-- name: count
-- How many rows a table has; as the projector, for whom there is a policy.
SELECT count(*) FROM {table}

-- name: assert_rebuildable
-- Raises ES101 when something hangs on the live tables that can't follow the switch, or when the
-- names of the new ones are taken.
SELECT projections.assert_rebuildable(%(projection)s, %(tables)s)

-- name: applied
-- How many events each projection has applied: how long its rebuild takes, compared with others'.
SELECT projection, sum(applied)::bigint FROM projections.checkpoints
 WHERE build = 'live' GROUP BY projection

-- name: have_triggers
-- Whether any table of a schema has a trigger of its own, beside those that only refuse.
SELECT EXISTS (SELECT FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid
                WHERE relnamespace = %(schema)s::regnamespace AND NOT tgisinternal
                  AND tgfoid <> 'projections.refuse_changes()'::regprocedure)
