-- name: search_path
-- Where names without a schema are looked for now.
SELECT current_setting('search_path')

-- name: set_search_path
-- Puts back where names without a schema are looked for.
SELECT set_config('search_path', %(path)s, true)

-- name: begin_template
-- An empty schema, to which names without a schema belong from here on.
CREATE SCHEMA {schema};
SET LOCAL search_path = {schema}, public

-- name: drop_template
-- All tables at once for their foreign keys; no CASCADE, which would reach what was copied.
DROP TABLE {tables};
DROP SCHEMA {schema}

-- name: made
-- What is in a schema beside indexes: its kind, whether tenants are kept apart in it, the columns
-- that are to be written, and how it is partitioned if it is.
SELECT relname, CASE WHEN relpersistence <> 'p' THEN 'unlogged '
                     WHEN relkind = 'p' THEN 'partitioned ' ELSE '' END
                || CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
                                WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                                WHEN 'c' THEN 'type' ELSE 'foreign table' END,
       relrowsecurity AND relforcerowsecurity,
       ARRAY(SELECT attname::text FROM pg_attribute
              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
              ORDER BY attnum),
       pg_get_partkeydef(oid)
  FROM pg_class AS c
 WHERE relnamespace = %(schema)s::regnamespace AND relkind NOT IN ('i', 'I', 't')
UNION ALL
SELECT proname, 'function', NULL, NULL, NULL FROM pg_proc
 WHERE pronamespace = %(schema)s::regnamespace
UNION ALL
SELECT typname, 'type', NULL, NULL, NULL FROM pg_type
 WHERE typnamespace = %(schema)s::regnamespace AND typtype IN ('d', 'e', 'r')
 ORDER BY 1

-- name: keys
-- The columns by which a table of a schema keeps each row once.
SELECT c.relname, (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute
                    WHERE attrelid = indrelid
                      AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]))
  FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
 WHERE relnamespace = %(schema)s::regnamespace
   AND indisunique AND indimmediate AND indpred IS NULL AND indexprs IS NULL

-- name: leaving
-- Foreign keys of a schema's tables that point out of it.
SELECT conrelid::regclass::text, conname, confrelid::regclass::text
  FROM pg_constraint JOIN pg_class AS c ON c.oid = confrelid
 WHERE contype = 'f' AND connamespace = %(schema)s::regnamespace
   AND relnamespace <> connamespace

-- name: live_version
-- The version of the rules for which a projection's live tables were made; no row without tables.
SELECT projection_version FROM projections.live_tables WHERE projection = %(projection)s LIMIT 1
