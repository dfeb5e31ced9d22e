-- Read models that are partitioned by month: how their months are made, and how builds copy and
-- exchange them. Runs as eventstore_owner.

-- A table and its partitions ---------------------------------------------------------------------

CREATE FUNCTION projections.with_partitions(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT relation
    UNION ALL
    (SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = relation ORDER BY inhrelid)
$$;
COMMENT ON FUNCTION projections.with_partitions(regclass) IS
    'A table, and then its partitions if it has any.';

CREATE FUNCTION projections.move_table(from_schema text, name text, to_schema text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN SELECT projections.with_partitions(format('%I.%I', from_schema, name)::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA %I', relation, to_schema);
    END LOOP;
END
$$;
COMMENT ON FUNCTION projections.move_table(text, text, text) IS
    'Moves a table with its partitions, which by itself PostgreSQL would leave where they are.';

-- A partition can be read by its own name too, so it has row security of its own.
CREATE FUNCTION projections.copy_protection(from_relation regclass, to_relation regclass)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        WITH source AS (
            SELECT c.*, to_relation::text AS target FROM pg_class AS c WHERE c.oid = from_relation
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
COMMENT ON FUNCTION projections.copy_protection(regclass, regclass) IS
    'Gives a table the row security, policies and grants of another one.';

-- Months -----------------------------------------------------------------------------------------

-- The projector calls it when rows come whose month is not there. It has few rights itself, so that
-- this function is all that it can have made.
CREATE FUNCTION projections.make_months(schema_name text, table_name text, months date[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    most   CONSTANT integer := 600;
    parent CONSTANT regclass := to_regclass(format('%I.%I', schema_name, table_name));
    leaf   text;
    month  timestamptz;
BEGIN
    IF schema_name !~ '^projections(_|$)' THEN
        RAISE EXCEPTION 'schema % has no read models', schema_name USING ERRCODE = '42501';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = parent) THEN
        RETURN;  -- a table to look at only, which is plain
    END IF;
    FOR month IN SELECT DISTINCT date_trunc('month', m::timestamptz) FROM unnest(months) AS m
                  ORDER BY 1
    LOOP
        leaf := format('%I.%I', schema_name, table_name || to_char(month, '_YYYY_MM'));
        CONTINUE WHEN to_regclass(leaf) = ANY (ARRAY(SELECT projections.with_partitions(parent)));
        -- Whoever else makes one waits here. Readers and writers of the table don't.
        EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
        CONTINUE WHEN to_regclass(leaf) = ANY (ARRAY(SELECT projections.with_partitions(parent)));
        -- A writer who says that his events are of any month whatever is stopped somewhere, and must
        -- not stop the others: the months of our days are always made. The SQLSTATE is that of a
        -- row without a partition, so that the event to blame is held.
        IF month NOT BETWEEN now() - interval '2 years' AND now() + interval '1 month'
           AND (SELECT count(*) FROM pg_inherits WHERE inhparent = parent) >= most THEN
            RAISE EXCEPTION '% has % months already, and gets none for %', parent, most,
                            to_char(month, 'YYYY-MM') USING ERRCODE = 'check_violation';
        END IF;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', leaf, parent);
        EXECUTE format('COMMENT ON TABLE %s IS %L', leaf,
                       format('The rows of %s of %s.', to_char(month, 'YYYY-MM'), table_name));
        PERFORM projections.copy_protection(parent, leaf::regclass);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       parent, leaf, month, month + interval '1 month');
    END LOOP;
END
$$;
COMMENT ON FUNCTION projections.make_months(text, text, date[]) IS
    'Makes the partitions of a table for these months, as far as they are not there: with the '
    'indexes, constraints and protection that the table itself has by then. A table that is not '
    'partitioned stays as it is. Concurrent calls are safe.';

-- Builds of tables with partitions ---------------------------------------------------------------

-- As before, but for the partitioning; the months of a copy are made as its rows come.
CREATE OR REPLACE FUNCTION projections.clone_structure(
    from_schema text, to_schema text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
BEGIN
    FOR source IN SELECT r.relation, r.name, c.reloptions,
                         'PARTITION BY ' || pg_get_partkeydef(c.oid) AS partitioned
                    FROM projections.relations(from_schema, tables) AS r
                    JOIN pg_class AS c ON c.oid = r.relation ORDER BY r.ordinal
    LOOP
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES) %s',
                       to_schema, source.name, source.relation, source.partitioned);
        IF source.reloptions IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.%I SET (%s)', to_schema, source.name,
                           array_to_string(source.reloptions, ', '));
        END IF;
    END LOOP;
END
$$;

-- As before, but for the indexes of partitioned tables.
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
        -- Of a partitioned table it prints ON ONLY, and all its partitions are meant.
        SELECT 2, indexrelid::regclass::text,
               regexp_replace(pg_get_indexdef(indexrelid, 0, true), ' ON ONLY ', ' ON ')
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

-- As before, but with partitions.
CREATE OR REPLACE FUNCTION projections.clone_protection(
    from_schema text, to_schema text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
    target regclass;
BEGIN
    FOR source IN SELECT r.relation, r.name
                    FROM projections.relations(from_schema, tables) AS r ORDER BY r.ordinal
    LOOP
        FOR target IN SELECT projections.with_partitions(
                                 format('%I.%I', to_schema, source.name)::regclass)
        LOOP
            PERFORM projections.copy_protection(source.relation, target);
        END LOOP;
    END LOOP;
END
$$;

-- As before, but partitions belong to their tables.
CREATE OR REPLACE FUNCTION projections.assert_rebuildable(projection text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ours  oid[] := (SELECT coalesce(array_agg(o.oid), '{}')
                      FROM projections.live_tables AS t
                      JOIN pg_class AS c ON c.relname = t.table_name
                                        AND c.relnamespace = 'projections'::regnamespace,
                           projections.with_partitions(c.oid) AS o (oid)
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

-- As before, but with partitions.
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
            PERFORM projections.move_table('projections', name, outgoing);
        END IF;
    END LOOP;
    DELETE FROM projections.live_tables AS t WHERE t.projection = exchange_tables.projection;
    FOREACH name IN ARRAY tables LOOP
        PERFORM projections.move_table(incoming, name, 'projections');
    END LOOP;
    INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
    SELECT t.name, exchange_tables.projection, exchange_tables.projection_version, t.ordinal
      FROM unnest(tables) WITH ORDINALITY AS t (name, ordinal);
    EXECUTE format('DROP SCHEMA %I', incoming);
END
$$;

-- What only the projector may change -------------------------------------------------------------

CREATE FUNCTION projections.refuse_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_user <> 'eventstore_projector' THEN
        RAISE EXCEPTION '% of % is refused: only the projector changes it',
                        TG_OP, TG_RELID::regclass USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projections.refuse_changes() IS
    'For a BEFORE trigger of a statement: refuses it to everybody but the projector, a superuser '
    'too. A rebuild writes such a table in bulk all the same, because it only inserts.';

REVOKE ALL ON FUNCTION
    projections.with_partitions(regclass),
    projections.move_table(text, text, text),
    projections.copy_protection(regclass, regclass),
    projections.make_months(text, text, date[]),
    projections.refuse_changes()
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.make_months(text, text, date[]) TO eventstore_projector;
