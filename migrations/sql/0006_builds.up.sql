-- Builds: what a rebuild has to know of itself to be resumed, and how builds change places in both
-- directions. Runs as eventstore_owner.

ALTER TABLE projections.checkpoints
    ADD COLUMN starts_after bigint NOT NULL DEFAULT 0 CHECK (starts_after >= 0),
    ADD COLUMN definition text COLLATE "C",
    ADD COLUMN built_at timestamptz;
COMMENT ON COLUMN projections.checkpoints.starts_after IS
    'The rows come from the events after this position only; 0 for the whole log.';
COMMENT ON COLUMN projections.checkpoints.definition IS
    'Hash of the rules and of the tables'' structure for which a rebuild made its tables; it is '
    'resumed with the same ones only. Null before they are made.';
COMMENT ON COLUMN projections.checkpoints.built_at IS
    'Since when the tables of this build have their keys, indexes and constraints; null while it is '
    'loaded, and when it was filled by following the log.';

-- Beginning, loading, and what comes after the load ----------------------------------------------

CREATE FUNCTION projections.begin_build(
    projection text, projection_version integer, definition text, shards integer,
    starts_after bigint, anew boolean, holder text, lease_seconds double precision,
    OUT fencing_token bigint, OUT resumed boolean, OUT built boolean)
RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p     CONSTANT text := projection;
    found projections.checkpoints;
BEGIN
    -- A row to lock, so that two that begin at once meet here.
    INSERT INTO projections.checkpoints AS c (projection, build, projection_version)
    VALUES (p, 'rebuild', begin_build.projection_version) ON CONFLICT DO NOTHING;
    SELECT * INTO found FROM projections.checkpoints AS c
     WHERE c.projection = p AND c.build = 'rebuild' AND c.shard = 0 FOR UPDATE;
    IF found.holder IS NOT NULL
       AND found.heartbeat_at + make_interval(secs => found.lease_seconds) >= clock_timestamp() THEN
        RETURN;
    END IF;
    -- The token continues from the projection's highest: builds change places.
    SELECT max(c.fencing_token) + 1 INTO fencing_token
      FROM projections.checkpoints AS c WHERE c.projection = p;
    resumed := NOT anew
               AND to_regnamespace(quote_ident(projections.build_schema(p, 'rebuild'))) IS NOT NULL
               AND found.definition = begin_build.definition
               AND found.projection_version = begin_build.projection_version
               AND found.starts_after = begin_build.starts_after
               AND (found.built_at IS NOT NULL OR found.shards = begin_build.shards);
    resumed := coalesce(resumed, false);
    built := resumed AND found.built_at IS NOT NULL;
    IF NOT resumed THEN
        DELETE FROM projections.failures AS f WHERE f.projection = p AND f.build = 'rebuild';
        DELETE FROM projections.checkpoints AS c WHERE c.projection = p AND c.build = 'rebuild';
        -- Without a definition, which comes with the tables: they may still be another build's.
        INSERT INTO projections.checkpoints AS c
               (projection, build, shard, shards, projection_version, starts_after, position)
        SELECT p, 'rebuild', i, begin_build.shards, begin_build.projection_version,
               begin_build.starts_after, begin_build.starts_after
          FROM generate_series(0, begin_build.shards - 1) AS i;
    END IF;
    UPDATE projections.checkpoints AS c
       SET holder = begin_build.holder, state = 'running', last_error = NULL,
           fencing_token = begin_build.fencing_token, heartbeat_at = clock_timestamp(),
           lease_seconds = begin_build.lease_seconds, updated_at = clock_timestamp()
     WHERE c.projection = p AND c.build = 'rebuild';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION projections.begin_build(
    text, integer, text, integer, bigint, boolean, text, double precision) IS
    'Takes the lease of a rebuild, of all its shards. An earlier one that was broken off is resumed '
    'when the same rules fold the same shards of the same events; else the checkpoints go back to '
    'the start. No row when another holder is alive.';

CREATE FUNCTION projections.finish_build(
    projection text, fencing_token bigint, reached bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p     CONSTANT text := projection;
    total bigint;
BEGIN
    PERFORM FROM projections.checkpoints AS c
      WHERE c.projection = p AND c.build = 'rebuild'
        AND c.fencing_token = finish_build.fencing_token
      ORDER BY c.shard FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT sum(c.applied) INTO total FROM projections.checkpoints AS c
     WHERE c.projection = p AND c.build = 'rebuild';
    DELETE FROM projections.checkpoints AS c
     WHERE c.projection = p AND c.build = 'rebuild' AND c.shard > 0;
    IF reached IS NULL THEN
        DELETE FROM projections.failures AS f WHERE f.projection = p AND f.build = 'rebuild';
    END IF;
    UPDATE projections.checkpoints AS c
       SET shards = 1, position = coalesce(reached, c.starts_after),
           applied = CASE WHEN reached IS NULL THEN 0 ELSE total END,
           built_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE c.projection = p AND c.build = 'rebuild';
    RETURN true;
END
$$;
COMMENT ON FUNCTION projections.finish_build(text, bigint, bigint) IS
    'Makes one checkpoint of those of a build''s shards, which have all reached that position, when '
    'its tables have their constraints; null when nothing has been applied yet. False when the '
    'lease is lost.';

CREATE FUNCTION projections.clone_keys(from_schema text, to_schema text, tables text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
    missing CONSTANT text := 'SELECT NOT EXISTS (SELECT FROM pg_constraint '
                             'WHERE conrelid = $1::regclass AND contype = ''p'')';
    wanted  boolean;
BEGIN
    FOR source IN SELECT format('%I.%I', to_schema, r.name) AS target, k.conname,
                         pg_get_constraintdef(k.oid) AS definition
                    FROM projections.relations(from_schema, tables) AS r
                    JOIN pg_constraint AS k ON k.conrelid = r.relation AND k.contype = 'p'
                   ORDER BY r.ordinal
    LOOP
        EXECUTE missing INTO wanted USING source.target;
        IF wanted THEN
            -- Another shard's worker may be at the same: whoever gets the lock first does it.
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', source.target);
            EXECUTE missing INTO wanted USING source.target;
        END IF;
        IF wanted THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', source.target, source.conname,
                           source.definition);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION projections.clone_keys(text, text, text[]) IS
    'Gives copies the primary keys of the originals, if they have none yet: a build that does not '
    'fit into memory looks its rows up.';

-- As before, but for the keys that are there already.
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

-- Changing places --------------------------------------------------------------------------------

CREATE FUNCTION projections.keep_vacuum_away(projection text, source text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT to_regclass(format('projections.%I', t.table_name))
                    FROM projections.live_tables AS t
                   WHERE t.projection = keep_vacuum_away.projection
                  UNION ALL
                  SELECT c.oid FROM pg_class AS c
                   WHERE relnamespace = to_regnamespace(quote_ident(
                             projections.build_schema(projection, source)))
                     AND relkind IN ('r', 'p')
    LOOP
        IF target IS NOT NULL THEN
            EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', target);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION projections.keep_vacuum_away(text, text) IS
    'Until the end of the transaction no autovacuum works on the live tables, nor on those of the '
    'build. One that does steps aside for whoever has waited for deadlock_timeout, which a switch '
    'never does for its own lock. Readers and writers are not held up.';

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
    DELETE FROM projections.failures AS f
     WHERE f.projection = drop_build.projection AND f.build = 'old' AND drop_build.build = 'old';
END
$$;

DROP FUNCTION projections.switch_builds(text, text[], bigint);
CREATE FUNCTION projections.switch_builds(
    projection text, source text, tables text[], fencing_token bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p             CONSTANT text := projection;
    old_schema    CONSTANT text := projections.build_schema(p, 'old');
    source_schema CONSTANT text := projections.build_schema(p, source);
    swap_schema   CONSTANT text := projections.build_schema(p, 'swap');
    ready         projections.checkpoints;
    reached       bigint;
    behind        bigint;
    total         bigint;
    live_shards   integer;
    token         bigint;
    held          projections.failures[];
BEGIN
    -- The live projector updates its checkpoint first in each transaction: from here on it waits,
    -- and then finds that its fencing token is out of date.
    PERFORM FROM projections.checkpoints AS c
      WHERE c.projection = p AND c.build IN (source, 'live') ORDER BY c.build, c.shard FOR UPDATE;
    SELECT * INTO ready FROM projections.checkpoints AS c
     WHERE c.projection = p AND c.build = source AND c.shard = 0
       AND c.fencing_token = switch_builds.fencing_token;
    IF NOT FOUND THEN
        RETURN -1;
    END IF;
    SELECT min(c.position) FILTER (WHERE c.build = source), max(c.position),
           sum(c.applied) FILTER (WHERE c.build = source),
           greatest(count(*) FILTER (WHERE c.build = 'live'), 1)
      INTO reached, behind, total, live_shards
      FROM projections.checkpoints AS c WHERE c.projection = p AND c.build IN (source, 'live');
    IF reached < behind THEN
        RETURN behind;
    END IF;

    PERFORM projections.exchange_tables(
        p, ready.projection_version, swap_schema, source_schema, tables);
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', swap_schema, old_schema);

    SELECT max(c.fencing_token) + 1 INTO token
      FROM projections.checkpoints AS c WHERE c.projection = p;
    DELETE FROM projections.checkpoints AS c WHERE c.projection = p AND c.build = source;
    UPDATE projections.checkpoints AS c
       SET build = 'old', holder = NULL, events_per_second = 0, fencing_token = token,
           state = CASE WHEN c.last_error IS NOT NULL AND c.state IN ('failed', 'paused')
                        THEN c.state ELSE 'stopped' END
     WHERE c.projection = p AND c.build = 'live';
    INSERT INTO projections.checkpoints AS c
           (projection, build, shard, shards, projection_version, position, applied, fencing_token,
            starts_after, definition, built_at)
    SELECT p, 'live', i, live_shards, ready.projection_version, reached,
           CASE i WHEN 0 THEN total ELSE 0 END, token, ready.starts_after, ready.definition,
           ready.built_at
      FROM generate_series(0, live_shards - 1) AS i;
    -- What a rebuild applied that was held so far is news. (The function comes with 0007.)
    PERFORM projections.tell_hooks_late(p, ARRAY(
        SELECT f.position FROM projections.failures AS f
         WHERE f.projection = p AND f.build = 'live'
           AND NOT EXISTS (SELECT FROM projections.failures AS r
                            WHERE r.projection = p AND r.build = source
                              AND r.position = f.position)));
    -- By way of a variable, because the same events may be held in both builds.
    SELECT array_agg(f) INTO held FROM projections.failures AS f
     WHERE f.projection = p AND f.build = source;
    DELETE FROM projections.failures AS f WHERE f.projection = p AND f.build = source;
    UPDATE projections.failures AS f SET build = 'old' WHERE f.projection = p AND f.build = 'live';
    INSERT INTO projections.failures
    SELECT (jsonb_populate_record(f, '{"build": "live"}')).* FROM unnest(held) AS f;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION projections.switch_builds(text, text, text[], bigint) IS
    'Makes a build that is caught up (rebuild or old) live and the live one old, tables, checkpoints '
    'and held events, and fences the live projectors. `tables` are those of the build, each after '
    'those that its foreign keys point to. Returns 0 when done, -1 when the lease is lost, or the position '
    'that the build has to reach first, because readers must not go back in time.';

REVOKE ALL ON FUNCTION
    projections.begin_build(text, integer, text, integer, bigint, boolean, text, double precision),
    projections.finish_build(text, bigint, bigint),
    projections.clone_keys(text, text, text[]),
    projections.keep_vacuum_away(text, text),
    projections.switch_builds(text, text, text[], bigint)
FROM PUBLIC;
