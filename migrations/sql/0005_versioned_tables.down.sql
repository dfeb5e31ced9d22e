-- Every projection has the tables of its first version again. What is of another version, or was
-- installed by its first rebuild, goes with all its builds; a rebuild makes it anew.
DO $$
DECLARE
    name   text;
    tables text;
BEGIN
    FOR name, tables IN
        SELECT t.projection, string_agg(format('projections.%I', t.table_name), ', ')
          FROM projections.live_tables AS t
         WHERE t.projection_version <> 1 OR t.projection NOT IN ('packaging', 'work', 'trust')
         GROUP BY t.projection
    LOOP
        EXECUTE 'DROP TABLE IF EXISTS ' || tables;
        PERFORM projections.drop_build(name, 'rebuild'), projections.drop_build(name, 'old');
        DELETE FROM projections.checkpoints AS c WHERE c.projection = name;
        DELETE FROM projections.failures AS f WHERE f.projection = name;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION projections.switch_builds(projection text, tables text[], fencing_token bigint)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ready      projections.checkpoints;
    live       projections.checkpoints;
    old_schema text := projections.build_schema(projection, 'old');
    new_schema text := projections.build_schema(projection, 'rebuild');
    name       text;
BEGIN
    SELECT * INTO ready FROM projections.checkpoints AS c
     WHERE c.projection = switch_builds.projection AND c.build = 'rebuild' AND c.shard = 0
       AND c.fencing_token = switch_builds.fencing_token
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN -1;
    END IF;
    -- The live projector updates its checkpoint first in each transaction: from here on it waits,
    -- and then finds that its fencing token is out of date.
    SELECT * INTO live FROM projections.checkpoints AS c
     WHERE c.projection = switch_builds.projection AND c.build = 'live' AND c.shard = 0
       FOR UPDATE;
    IF live.position > ready.position THEN
        RETURN live.position;
    END IF;
    EXECUTE format('CREATE SCHEMA %I', old_schema);
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE projections.%I SET SCHEMA %I', name, old_schema);
    END LOOP;
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA projections', new_schema, name);
    END LOOP;
    EXECUTE format('DROP SCHEMA %I', new_schema);
    UPDATE projections.checkpoints AS c
       SET build = 'old', holder = NULL, events_per_second = 0,
           state = CASE state WHEN 'failed' THEN 'failed' ELSE 'stopped' END
     WHERE c.projection = switch_builds.projection AND c.build = 'live';
    UPDATE projections.checkpoints AS c
       SET build = 'live', state = 'stopped', holder = NULL, events_per_second = 0,
           fencing_token = greatest(live.fencing_token, ready.fencing_token) + 1,
           updated_at = clock_timestamp()
     WHERE c.projection = switch_builds.projection AND c.build = 'rebuild';
    RETURN 0;
END
$$;

DROP FUNCTION projections.exchange_tables(text, integer, text, text, text[]);
DROP FUNCTION projections.assert_rebuildable(text, text[]);

CREATE FUNCTION projections.assert_rebuildable(tables text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ours  oid[] := (SELECT array_agg(relation) FROM projections.relations('projections', tables));
    found text;
BEGIN
    IF coalesce(cardinality(ours), 0) <> cardinality(tables) THEN
        RAISE EXCEPTION 'not every table of % is there', tables USING ERRCODE = 'undefined_table';
    END IF;
    SELECT format('%s is partitioned', oid::regclass) INTO found
      FROM pg_class WHERE oid = ANY (ours) AND relkind <> 'r' LIMIT 1;
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
COMMENT ON FUNCTION projections.assert_rebuildable(text[]) IS
    'Raises ES101 when something outside a projection hangs on its tables, and would go on to '
    'point at the replaced ones.';
REVOKE ALL ON FUNCTION projections.assert_rebuildable(text[]) FROM PUBLIC;

DROP TABLE projections.live_tables;
