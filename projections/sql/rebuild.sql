-- name: no_time_limit
-- A load takes as long as it takes; it holds no lock that a reader or the projector waits for.
SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '10s', true)

-- name: assert_rebuildable
-- Raises ES101 when something hangs on the live tables that can't follow the switch, or when the
-- names of the new ones are taken.
SELECT projections.assert_rebuildable(%(projection)s, %(tables)s)

-- name: create_schema
-- The schema in which the tables are built; the projector has to reach it to catch up.
CREATE SCHEMA {schema};
GRANT USAGE ON SCHEMA {schema} TO eventstore_projector

-- name: clone_structure
-- Empty tables without indexes.
SELECT projections.clone_structure(%(template)s, %(schema)s, %(tables)s)

-- name: clone_constraints
-- Keys, indexes and foreign keys, which prove what was loaded.
SELECT projections.clone_constraints(%(template)s, %(schema)s, %(tables)s)

-- name: clone_protection
-- Row security, policies and grants.
SELECT projections.clone_protection(%(template)s, %(schema)s, %(tables)s)
