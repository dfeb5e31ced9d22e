-- name: leftovers
-- Schemas of shadows whose makers are gone: each is named for the process that serves its maker.
SELECT nspname::text FROM pg_namespace
 WHERE nspname ~ '^projections_(verify|compare)_.*_[0-9]+_[0-9a-f]+$'
   AND NOT EXISTS (SELECT FROM pg_stat_activity
                    WHERE pid = substring(nspname FROM '_([0-9]+)_[0-9a-f]+$')::integer)

-- name: server_process
-- The process that serves this session: for the whole of a transaction, whatever pools there are.
SELECT pg_backend_pid()

-- name: create_schema
-- Where the tables of a shadow lie.
CREATE SCHEMA {schema}

-- name: drop_schema
-- Removes a shadow.
DROP SCHEMA IF EXISTS {schema} CASCADE

-- name: columns
-- The columns of a live table; none when there is no such table.
SELECT attname::text FROM pg_attribute
 WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped

-- name: create_like
-- A table with the columns of a live one, and what the rules have beside them. No constraints: what
-- other rules say may break them, and that is to be seen.
CREATE UNLOGGED TABLE {table} AS SELECT {columns} FROM {source} AS live WITH NO DATA

-- name: create_new
-- A table that is not live.
CREATE UNLOGGED TABLE {table} AS SELECT {columns} WITH NO DATA

-- name: new_column
-- A column that is not live.
NULL::{type} AS {column}

-- name: add_key
-- For a shadow that does not fit into memory.
ALTER TABLE {table} ADD PRIMARY KEY ({key})
