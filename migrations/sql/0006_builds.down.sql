-- Removes what 0006 added. Builds under way and the tables of old builds stay; a build that is not
-- finished goes back to its start, because one checkpoint alone would not tell how far it is.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace
                 WHERE nspname ~ '^projections_(verify|compare)_'
                   AND nspowner = 'eventstore_owner'::regrole
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END
$$;
DELETE FROM projections.failures WHERE build = 'rebuild';
DELETE FROM projections.checkpoints WHERE build = 'rebuild';
DROP FUNCTION projections.switch_builds(text, text, text[], bigint);
DROP FUNCTION projections.keep_vacuum_away(text, text);
DROP FUNCTION projections.clone_keys(text, text, text[]);
DROP FUNCTION projections.finish_build(text, bigint, bigint);
DROP FUNCTION projections.begin_build(
    text, integer, text, integer, bigint, boolean, text, double precision);
ALTER TABLE projections.checkpoints
    DROP COLUMN starts_after,
    DROP COLUMN definition,
    DROP COLUMN built_at;

-- As 0002 has them.
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

CREATE OR REPLACE FUNCTION projections.drop_build(projection text, build text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_name text := projections.build_schema(projection, build);
    there       text;
BEGIN
    IF build NOT IN ('rebuild', 'old') THEN
        RAISE EXCEPTION 'build % can''t be dropped', build USING ERRCODE = '22023';
    END IF;
    IF to_regnamespace(quote_ident(schema_name)) IS NOT NULL THEN
        -- All at once for their foreign keys; no CASCADE, which would reach beyond this schema.
        SELECT string_agg(format('%I.%I', schema_name, relname), ', ') INTO there
          FROM pg_class WHERE relnamespace = schema_name::regnamespace AND relkind IN ('r', 'p');
        IF there IS NOT NULL THEN
            EXECUTE 'DROP TABLE ' || there;
        END IF;
        EXECUTE format('DROP SCHEMA %I', schema_name);
    END IF;
    -- The checkpoint of a rebuild stays: it is the lease of the one who rebuilds.
    DELETE FROM projections.checkpoints AS c
     WHERE c.projection = drop_build.projection AND c.build = 'old' AND drop_build.build = 'old';
END
$$;

-- As 0005 has it.
CREATE FUNCTION projections.switch_builds(
    projection text, tables text[], fencing_token bigint)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ready projections.checkpoints;
    live  projections.checkpoints;
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
    PERFORM projections.exchange_tables(
        projection, ready.projection_version,
        projections.build_schema(projection, 'old'),
        projections.build_schema(projection, 'rebuild'), tables);
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
COMMENT ON FUNCTION projections.switch_builds(text, text[], bigint) IS
    'Makes the rebuild live and the live tables old, and fences the live projector. Returns 0 when '
    'done, -1 when the rebuild''s lease is lost, or the position that the rebuild has to reach '
    'first, because readers must not go back in time.';
REVOKE ALL ON FUNCTION projections.switch_builds(text, text[], bigint) FROM PUBLIC;
