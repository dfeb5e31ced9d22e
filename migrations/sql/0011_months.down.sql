-- Removes what 0011 added for tables that are kept by month. Builds that have such tables go too.
SELECT projections.drop_build(found[2], found[1])
  FROM (SELECT DISTINCT regexp_match(nspname, '^projections_(rebuild|old)_(.*)$')
          FROM pg_partitioned_table JOIN pg_class AS c ON c.oid = partrelid
          JOIN pg_namespace AS n ON n.oid = relnamespace) AS of_build (found)
 WHERE found IS NOT NULL;
DROP FUNCTION projections.refuse_changes();
DROP FUNCTION projections.make_months(text, text, date[]);

-- As 0002 has them.
CREATE OR REPLACE FUNCTION projections.clone_structure(
    from_schema text, to_schema text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
BEGIN
    FOR source IN SELECT r.relation, r.name, c.reloptions
                    FROM projections.relations(from_schema, tables) AS r
                    JOIN pg_class AS c ON c.oid = r.relation ORDER BY r.ordinal
    LOOP
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES)',
                       to_schema, source.name, source.relation);
        IF source.reloptions IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.%I SET (%s)', to_schema, source.name,
                           array_to_string(source.reloptions, ', '));
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION projections.clone_protection(
    from_schema text, to_schema text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ours      oid[] := (SELECT array_agg(relation) FROM projections.relations(from_schema, tables));
    statement text;
BEGIN
    FOR statement IN
        WITH source AS (
            SELECT c.*, format('%I.%I', to_schema, c.relname) AS target
              FROM pg_class AS c WHERE c.oid = ANY (ours)
        )
        SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target)
          FROM source WHERE relrowsecurity
        UNION ALL
        SELECT format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target)
          FROM source WHERE relforcerowsecurity
        UNION ALL
        SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', polname, target,
                      CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                      CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                                  WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                      (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC'
                                         ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
                         FROM unnest(polroles) AS role),
                      ' USING (' || pg_get_expr(polqual, polrelid) || ')',
                      ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
          FROM source JOIN pg_policy ON polrelid = source.oid
        UNION ALL
        SELECT format('GRANT %s ON %s TO %s%s', string_agg(privilege_type, ', '), target,
                      CASE grantee WHEN 0 THEN 'PUBLIC'
                      ELSE quote_ident(pg_get_userbyid(grantee)) END,
                      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
          FROM source, aclexplode(relacl)
         WHERE grantee <> relowner GROUP BY target, grantee, is_grantable
        UNION ALL
        SELECT format('GRANT %s (%I) ON %s TO %s%s', privilege_type, attname, target,
                      CASE grantee WHEN 0 THEN 'PUBLIC'
                      ELSE quote_ident(pg_get_userbyid(grantee)) END,
                      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
          FROM source JOIN pg_attribute ON attrelid = source.oid, aclexplode(attacl)
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

-- As 0005 has them.
CREATE OR REPLACE FUNCTION projections.assert_rebuildable(projection text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ours  oid[] := (SELECT coalesce(array_agg(c.oid), '{}')
                      FROM projections.live_tables AS t
                      JOIN pg_class AS c ON c.relname = t.table_name
                                        AND c.relnamespace = 'projections'::regnamespace
                     WHERE t.projection = assert_rebuildable.projection);
    found text;
BEGIN
    SELECT format('%s is there, and belongs to %s', c.oid::regclass,
                  coalesce('the projection ' || t.projection, 'no projection')) INTO found
      FROM pg_class AS c LEFT JOIN projections.live_tables AS t ON t.table_name = c.relname
     WHERE c.relnamespace = 'projections'::regnamespace AND c.relname = ANY (tables)
       AND c.oid <> ALL (ours) LIMIT 1;
    IF found IS NULL THEN
        SELECT format('foreign key %s between %s and %s leaves the projection',
                      conname, conrelid::regclass, confrelid::regclass) INTO found
          FROM pg_constraint
         WHERE contype = 'f' AND (conrelid = ANY (ours)) <> (confrelid = ANY (ours)) LIMIT 1;
    END IF;
    IF found IS NULL THEN
        SELECT format('view %s reads %s; drop it before the rebuild and create it after',
                      r.ev_class::regclass, d.refobjid::regclass) INTO found
          FROM pg_depend AS d JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass
                                                  AND d.objid = r.oid
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (ours)
           AND r.ev_class <> ALL (ours) LIMIT 1;
    END IF;
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'can''t be rebuilt beside the live tables: %', found
            USING ERRCODE = 'ES101';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION projections.exchange_tables(
    projection text, projection_version integer, outgoing text, incoming text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', outgoing);
    -- Readers name a parent before its children more often than not, and so do we: two who lock
    -- the same tables in the same order wait for each other once, and not crosswise.
    FOR name IN SELECT t.table_name FROM projections.live_tables AS t
                 WHERE t.projection = exchange_tables.projection ORDER BY t.ordinal
    LOOP
        -- One that somebody dropped by hand is no reason not to put its successor in place.
        IF to_regclass(format('projections.%I', name)) IS NOT NULL THEN
            EXECUTE format('ALTER TABLE projections.%I SET SCHEMA %I', name, outgoing);
        END IF;
    END LOOP;
    DELETE FROM projections.live_tables AS t WHERE t.projection = exchange_tables.projection;
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA projections', incoming, name);
    END LOOP;
    INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
    SELECT t.name, exchange_tables.projection, exchange_tables.projection_version, t.ordinal
      FROM unnest(tables) WITH ORDINALITY AS t (name, ordinal);
    EXECUTE format('DROP SCHEMA %I', incoming);
END
$$;

-- As 0006 has it.
CREATE OR REPLACE FUNCTION projections.clone_constraints(
    from_schema text, to_schema text, tables text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ours       oid[] := (SELECT array_agg(relation)
                           FROM projections.relations(from_schema, tables));
    statements text[];
    statement  text;
BEGIN
    PERFORM set_config('search_path', format('%I, public, pg_temp', from_schema), true);
    WITH source AS (
        SELECT c.*, format('%I.%I', to_schema, c.relname) AS target
          FROM pg_class AS c WHERE c.oid = ANY (ours)
    ), step (ordinal, name, statement) AS (
        SELECT CASE contype WHEN 'f' THEN 3 ELSE 1 END, conname,
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', target, conname,
                      pg_get_constraintdef(k.oid, true))
          FROM source JOIN pg_constraint AS k ON k.conrelid = source.oid
         WHERE contype IN ('p', 'u', 'x', 'f')
           AND NOT EXISTS (SELECT FROM pg_constraint AS there
                            WHERE there.conrelid = target::regclass
                              AND there.conname = k.conname)
        UNION ALL
        SELECT 2, indexrelid::regclass::text, pg_get_indexdef(indexrelid, 0, true)
          FROM source JOIN pg_index ON indrelid = source.oid
         WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        UNION ALL
        SELECT 4, relname,
               format('COMMENT ON TABLE %s IS %L', target, obj_description(oid, 'pg_class'))
          FROM source WHERE obj_description(oid, 'pg_class') IS NOT NULL
        UNION ALL
        SELECT 4, conname, format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, target,
                                  obj_description(k.oid, 'pg_constraint'))
          FROM source JOIN pg_constraint AS k ON k.conrelid = source.oid
         WHERE contype IN ('p', 'u', 'x', 'f')
           AND obj_description(k.oid, 'pg_constraint') IS NOT NULL
        UNION ALL
        SELECT 4, i.relname, format('COMMENT ON INDEX %I.%I IS %L', to_schema, i.relname,
                                    obj_description(i.oid, 'pg_class'))
          FROM source JOIN pg_index ON indrelid = source.oid
          JOIN pg_class AS i ON i.oid = indexrelid
         WHERE obj_description(i.oid, 'pg_class') IS NOT NULL
        UNION ALL
        SELECT 5, tgname, pg_get_triggerdef(t.oid, true)
          FROM source JOIN pg_trigger AS t ON tgrelid = source.oid WHERE NOT tgisinternal
        UNION ALL
        SELECT 6, relname, format('ANALYZE %s', target) FROM source
    )
    SELECT array_agg(s.statement ORDER BY s.ordinal, s.name) INTO statements FROM step AS s;

    PERFORM set_config('search_path',
                       format('%I, %I, public, pg_temp', to_schema, from_schema), true);
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

DROP FUNCTION projections.copy_protection(regclass, regclass);
DROP FUNCTION projections.move_table(text, text, text);
DROP FUNCTION projections.with_partitions(regclass);
