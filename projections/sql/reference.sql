-- name: look_in
-- Definitions then print without a schema what is the log's or a read model.
SELECT set_config('search_path', 'projections, eventstore, public', true)

-- name: schemas
-- What each schema is for.
SELECT nspname::text, obj_description(oid, 'pg_namespace') FROM pg_namespace
 WHERE nspname IN ('eventstore', 'projections')

-- name: tables
-- The tables and views of the log and of the projections, partitions left to their parents.
SELECT c.oid, nspname::text, c.relname::text, live.projection,
       CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END,
       obj_description(c.oid, 'pg_class'), pg_get_userbyid(relowner)::text,
       pg_get_partkeydef(c.oid),
       (SELECT string_agg(DISTINCT pg_get_partkeydef(inhrelid), ', ')
          FROM pg_inherits WHERE inhparent = c.oid),
       relrowsecurity AND relforcerowsecurity
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = relnamespace
  LEFT JOIN projections.live_tables AS live
    ON nspname = 'projections' AND live.table_name = c.relname
 WHERE nspname IN ('eventstore', 'projections')
   AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
 ORDER BY nspname COLLATE "C", c.relname COLLATE "C"

-- name: columns
-- In the order in which the table has them.
SELECT attrelid, attname::text,
       concat_ws(' ', format_type(atttypid, atttypmod),
                 CASE WHEN attcollation <> typcollation
                      THEN 'COLLATE ' || attcollation::regcollation::text END),
       NOT attnotnull,
       CASE WHEN attidentity <> '' THEN 'identity'
            WHEN attgenerated <> '' THEN 'generated: ' || pg_get_expr(adbin, adrelid, true)
            ELSE pg_get_expr(adbin, adrelid, true) END,
       col_description(attrelid, attnum)
  FROM pg_attribute
  JOIN pg_type ON pg_type.oid = atttypid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attrelid = ANY (%(tables)s) AND attnum > 0 AND NOT attisdropped
 ORDER BY attrelid, attnum

-- name: constraints
-- Keys and checks; what a partitioned table repeats for its partitions is left out.
SELECT conrelid, conname::text,
       CASE contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'x' THEN 'exclusion'
                    ELSE 'check' END,
       ARRAY(SELECT attname::text
               FROM unnest(conkey) WITH ORDINALITY AS k(number, place)
               JOIN pg_attribute ON attrelid = conrelid AND attnum = number
              ORDER BY place),
       pg_get_constraintdef(oid, true), obj_description(oid, 'pg_constraint')
  FROM pg_constraint
 WHERE conrelid = ANY (%(tables)s) AND contype IN ('p', 'u', 'x', 'c') AND conparentid = 0
 ORDER BY conrelid, contype, conname COLLATE "C"

-- name: foreign_keys
-- What refers to which rows, and what becomes of it when these are deleted.
SELECT conrelid, conname::text,
       ARRAY(SELECT attname::text
               FROM unnest(conkey) WITH ORDINALITY AS k(number, place)
               JOIN pg_attribute ON attrelid = conrelid AND attnum = number
              ORDER BY place),
       (SELECT relname::text FROM pg_class WHERE pg_class.oid = confrelid),
       ARRAY(SELECT attname::text
               FROM unnest(confkey) WITH ORDINALITY AS k(number, place)
               JOIN pg_attribute ON attrelid = confrelid AND attnum = number
              ORDER BY place),
       CASE confdeltype WHEN 'c' THEN 'cascade' WHEN 'r' THEN 'restrict' WHEN 'n' THEN 'set null'
                        WHEN 'd' THEN 'set default' ELSE 'no action' END,
       condeferrable, obj_description(oid, 'pg_constraint')
  FROM pg_constraint
 WHERE conrelid = ANY (%(tables)s) AND contype = 'f' AND conparentid = 0
 ORDER BY conrelid, conname COLLATE "C"

-- name: indexes
-- Those that no constraint brings with it.
SELECT indrelid, relname::text, indisunique,
       split_part(pg_get_indexdef(indexrelid, 0, true), ' USING ', 2),
       obj_description(indexrelid, 'pg_class')
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
 WHERE indrelid = ANY (%(tables)s)
   AND NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
 ORDER BY indrelid, relname COLLATE "C"

-- name: rights
-- What was granted to others than the owner: on all columns, or on those named.
WITH granted (oid, grantee, privilege, attname) AS (
    SELECT c.oid, a.grantee, a.privilege_type, NULL::text
      FROM pg_class AS c, aclexplode(relacl) AS a
     WHERE c.oid = ANY (%(tables)s) AND a.grantee <> relowner
    UNION ALL
    SELECT c.oid, a.grantee, a.privilege_type, attname::text
      FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid, aclexplode(attacl) AS a
     WHERE c.oid = ANY (%(tables)s) AND a.grantee <> relowner
), on_columns AS (
    SELECT oid, grantee, privilege,
           coalesce(array_agg(attname ORDER BY attname) FILTER (WHERE attname IS NOT NULL), '{}')
               AS columns
      FROM granted GROUP BY oid, grantee, privilege, attname IS NULL
)
SELECT oid, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END AS role,
       array_agg(privilege ORDER BY privilege), columns
  FROM on_columns
 GROUP BY oid, grantee, columns
 ORDER BY oid, role, columns

-- name: policies
-- Which rows a role sees and may write.
SELECT polrelid, polname::text,
       CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                   WHEN 'd' THEN 'DELETE' ELSE 'all' END,
       ARRAY(SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role)::text END AS name
               FROM unnest(polroles) AS role ORDER BY name),
       polpermissive, pg_get_expr(polqual, polrelid, true),
       pg_get_expr(polwithcheck, polrelid, true)
  FROM pg_policy WHERE polrelid = ANY (%(tables)s)
 ORDER BY polrelid, polname COLLATE "C"

-- name: triggers
-- What happens by itself, or is refused, when rows change.
SELECT tgrelid, tgname::text,
       regexp_replace(pg_get_triggerdef(oid, true),
                      '^CREATE (CONSTRAINT )?TRIGGER \S+ | ON \S+| EXECUTE FUNCTION .*$', '', 'g'),
       coalesce(obj_description(oid, 'pg_trigger'), obj_description(tgfoid, 'pg_proc'))
  FROM pg_trigger
 WHERE tgrelid = ANY (%(tables)s) AND NOT tgisinternal AND tgparentid = 0
 ORDER BY tgrelid, tgname COLLATE "C"
