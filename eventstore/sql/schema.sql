-- name: found_revision
-- The migration that the database is at; no row when all were taken back.
SELECT version_num FROM eventstore.alembic_version

-- name: sequence_cache
-- How many positions a session takes at once; anything but 1 breaks the order of reads.
SELECT cache_size FROM pg_sequences
 WHERE schemaname = 'eventstore' AND sequencename = 'events_position_seq'

-- name: become_owner
-- Plays the owner of the store, with nothing of the login's own settings; see begin_session.
SELECT pid, pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time(),
       set_config('role', 'eventstore_owner', pid <> %(backend)s),
       set_config('search_path', 'public', pid <> %(backend)s),
       set_config('timezone', 'UTC', pid <> %(backend)s),
       set_config('statement_timeout', '0', pid <> %(backend)s),
       set_config('transaction_timeout', '0', pid <> %(backend)s),
       set_config('lock_timeout', '60s', pid <> %(backend)s)
  FROM pg_backend_pid() AS pid

-- name: lock_migrations
-- Waits for another migration to end, and keeps the next one out until this session ends.
SELECT pg_advisory_lock(-17751)

-- name: bound_waiting
-- A migration that waits for a lock holds up everyone behind it, so it gives up soon.
SELECT set_config('lock_timeout', '10s', false)

-- name: version_table
-- The table in which the applied migration is recorded, readable by every part.
CREATE TABLE IF NOT EXISTS eventstore.alembic_version (
    version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
COMMENT ON TABLE eventstore.alembic_version IS 'The migration that this database is at.';
COMMENT ON COLUMN eventstore.alembic_version.version_num IS 'File name of the migration.';
GRANT SELECT ON eventstore.alembic_version
   TO eventstore_appender, eventstore_projector, eventstore_archiver, eventstore_auditor

-- name: make_read_models
-- Until the end of the transaction, a name without a schema is that of a read model.
SELECT set_config('search_path', 'projections, public', true)

-- name: tables_there
-- The tables that are in the schema of the read models now, the engine's own among them.
SELECT coalesce(array_agg(relname::text), '{}') FROM pg_class
 WHERE relnamespace = 'projections'::regnamespace AND relkind IN ('r', 'p')

-- name: make_way
-- Whether there is room now for the tables of a projection's newer version.
SELECT projections.make_way(%s, %s)

-- name: claim_tables
-- Enters the tables that were not there before as the live ones of a projection.
SELECT projections.claim_tables(%s, %s, %s)

-- name: drop_live
-- Removes a projection's tables, builds and checkpoint.
SELECT projections.drop_live(%s)

-- name: live_version
-- The version that a projection's live tables are of.
SELECT projection_version FROM projections.live_tables WHERE projection = %s LIMIT 1
