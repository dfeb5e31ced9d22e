-- name: look_in
-- Definitions then print without a schema what is in the one looked at, or in projections.
SELECT set_config('search_path', quote_ident(%(schema)s) || ', projections, public', true)

-- name: hold_tables
-- A projection's live tables; until the transaction ends, no rebuild puts others in their place.
SELECT table_name FROM projections.live_tables WHERE projection = %(projection)s FOR SHARE

-- name: months
-- The months of those tables of a schema that are kept by month, as the names of partitions say.
SELECT c.relname::text,
       array_agg(to_date(substring(leaf.relname FROM '_([0-9]{4}_[0-9]{2})$'), 'YYYY_MM'))
           FILTER (WHERE leaf.relname ~ '_[0-9]{4}_[0-9]{2}$')
  FROM pg_class AS c JOIN pg_inherits ON inhparent = c.oid
  JOIN pg_class AS leaf ON leaf.oid = inhrelid
 WHERE c.relnamespace = %(schema)s::regnamespace AND c.relname = ANY (%(tables)s)
 GROUP BY c.relname

-- name: described
-- All that the catalogue says of some tables of a schema and of their partitions, in words that are
-- the same in every schema: the table, what of it, and the definition. What a partition has of its
-- table goes by the name that it has there; its own was made up when it was made.
WITH named AS (
    SELECT * FROM pg_class
     WHERE relnamespace = %(schema)s::regnamespace AND relname = ANY (%(tables)s)
), ours AS (
    SELECT * FROM named
    UNION ALL
    SELECT * FROM pg_class
     WHERE oid IN (SELECT inhrelid FROM pg_inherits JOIN named ON named.oid = inhparent)
), constraints AS (
    SELECT relname, k.oid, k.contype, k.conindid, coalesce(above.conname, k.conname) AS conname
      FROM ours JOIN pg_constraint AS k ON k.conrelid = ours.oid
      LEFT JOIN pg_constraint AS above ON above.oid = k.conparentid
     WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
), indexes AS (
    SELECT ours.relname, i.relname AS ownname, coalesce(above.relname, i.relname) AS indexname, x.*
      FROM ours JOIN pg_index AS x ON indrelid = ours.oid JOIN pg_class AS i ON i.oid = indexrelid
      LEFT JOIN pg_inherits ON inhrelid = indexrelid
      LEFT JOIN pg_class AS above ON above.oid = inhparent
), columns AS (
    SELECT relname, a.*
      FROM ours JOIN pg_attribute AS a ON attrelid = ours.oid
     WHERE attnum > 0 AND NOT attisdropped
), grants (relname, attname, grantor, grantee, privilege, is_grantable) AS (
    SELECT relname, NULL, a.*
      FROM ours, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS a
    UNION ALL
    SELECT relname, attname, a.* FROM columns, aclexplode(attacl) AS a
), comments (relname, thing, comment) AS (
    SELECT relname, 'table ' || relname, obj_description(oid, 'pg_class') FROM ours
    UNION ALL
    SELECT relname, format('column %%s.%%s', relname, attname), col_description(attrelid, attnum)
      FROM columns
    UNION ALL
    SELECT relname, format('constraint %%s.%%s', relname, conname),
           obj_description(oid, 'pg_constraint')
      FROM constraints
    UNION ALL
    SELECT relname, format('index %%s.%%s', relname, indexname),
           obj_description(indexrelid, 'pg_class')
      FROM indexes
)
SELECT relname::text AS table_name, 'table ' || relname AS thing,
       concat_ws(', ', CASE relkind WHEN 'r' THEN 'plain' WHEN 'p' THEN pg_get_partkeydef(oid)
                       ELSE 'of kind ' || relkind::text END,
                 pg_get_expr(relpartbound, oid),
                 CASE relpersistence WHEN 'u' THEN 'unlogged' END,
                 'owner ' || pg_get_userbyid(relowner),
                 'row security ' || CASE WHEN relrowsecurity AND relforcerowsecurity THEN 'forced'
                                         WHEN relrowsecurity THEN 'not forced' ELSE 'off' END,
                 array_to_string(reloptions, ', ')) AS definition
  FROM ours
UNION ALL
SELECT relname, format('column %%s.%%s', relname, attname),
       concat_ws(' ', format_type(atttypid, atttypmod),
                 CASE WHEN attcollation <> typcollation
                      THEN 'COLLATE ' || attcollation::regcollation::text END,
                 CASE WHEN attnotnull THEN 'NOT NULL' END,
                 CASE attidentity WHEN '' THEN NULL ELSE 'IDENTITY' END,
                 CASE attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ALWAYS AS ' END
                     || pg_get_expr(adbin, adrelid, true))
  FROM columns JOIN pg_type ON pg_type.oid = atttypid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
SELECT relname, format('constraint %%s.%%s', relname, conname), pg_get_constraintdef(oid, true)
  FROM constraints
UNION ALL
SELECT relname, format('index %%s.%%s', relname, indexname),
       replace(pg_get_indexdef(indexrelid, 0, true), ownname, indexname)
           || CASE WHEN indisvalid THEN '' ELSE ' (invalid)' END
  FROM indexes
 WHERE NOT EXISTS (SELECT FROM constraints WHERE conindid = indexrelid AND contype <> 'f')
UNION ALL
SELECT relname, format('policy %%s.%%s', relname, polname),
       concat_ws(' ', CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                 CASE polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT'
                             WHEN 'w' THEN 'FOR UPDATE' WHEN 'd' THEN 'FOR DELETE'
                             ELSE 'FOR ALL' END,
                 'TO ' || (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC'
                                             ELSE pg_get_userbyid(role) END, ', ' ORDER BY role)
                             FROM unnest(polroles) AS role),
                 'USING (' || pg_get_expr(polqual, polrelid, true) || ')',
                 'WITH CHECK (' || pg_get_expr(polwithcheck, polrelid, true) || ')')
  FROM ours JOIN pg_policy ON polrelid = ours.oid
UNION ALL
SELECT relname, format('grant on %%s to %%s', concat_ws('.', relname, attname),
                       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END),
       string_agg(privilege || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
                  ', ' ORDER BY privilege)
  FROM grants GROUP BY relname, attname, grantee
UNION ALL
SELECT relname, format('trigger %%s.%%s', relname, tgname),
       pg_get_triggerdef(t.oid, true) || CASE tgenabled WHEN 'O' THEN '' ELSE ' (disabled)' END
  FROM ours JOIN pg_trigger AS t ON tgrelid = ours.oid WHERE NOT tgisinternal
UNION ALL
SELECT relname, 'comment on ' || thing, comment FROM comments WHERE comment IS NOT NULL
