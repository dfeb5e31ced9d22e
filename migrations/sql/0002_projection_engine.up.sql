-- The projection engine: checkpoints with leases, the protection of read models, and what a
-- rebuild needs: tables copied in structure, and one function that switches builds.
-- Runs as eventstore_owner; the schema comes from the bootstrap.

REVOKE ALL ON SCHEMA projections FROM PUBLIC;
GRANT USAGE ON SCHEMA projections TO eventstore_projector, eventstore_auditor;

-- How far each projection has come, and who may move it -----------------------------------------

-- A row lives through an update a batch, so there is room beside it for the next versions of it,
-- and vacuum does not wait for a share of a table of a dozen rows.
CREATE TABLE projections.checkpoints (
    projection         text COLLATE "C" NOT NULL CHECK (projection ~ '^[a-z][a-z0-9_]{0,39}$'),
    build              text COLLATE "C" NOT NULL DEFAULT 'live'
                       CHECK (build IN ('live', 'rebuild', 'old')),
    shard              smallint NOT NULL DEFAULT 0 CHECK (shard >= 0),
    projection_version integer NOT NULL CHECK (projection_version > 0),
    position           bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    applied            bigint NOT NULL DEFAULT 0 CHECK (applied >= 0),
    events_per_second  double precision NOT NULL DEFAULT 0 CHECK (events_per_second >= 0),
    state              text COLLATE "C" NOT NULL DEFAULT 'stopped'
                       CHECK (state IN ('running', 'stopped', 'failed')),
    holder             text COLLATE "C" CHECK (length(holder) BETWEEN 1 AND 255),
    fencing_token      bigint NOT NULL DEFAULT 0,
    heartbeat_at       timestamptz,
    lease_seconds      double precision CHECK (lease_seconds > 0),
    last_error         jsonb,
    updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (projection, build, shard),
    CHECK (state <> 'failed' OR last_error IS NOT NULL),
    CHECK (state = 'running' OR holder IS NULL),
    CHECK (holder IS NULL OR (heartbeat_at IS NOT NULL AND lease_seconds IS NOT NULL))
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE projections.checkpoints IS
    'The last position that each projection has applied, written in the same transaction as its '
    'rows; and the lease of the one projector that may write. Not data of a tenant.';
COMMENT ON COLUMN projections.checkpoints.projection IS 'Name of the projection.';
COMMENT ON COLUMN projections.checkpoints.build IS
    'Which copy of its tables: live (schema projections), rebuild (projections_rebuild_NAME, being '
    'built) or old (projections_old_NAME, what the last rebuild replaced).';
COMMENT ON COLUMN projections.checkpoints.shard IS
    'Which part of its keys, when several projectors share it; 0 when one has them all.';
COMMENT ON COLUMN projections.checkpoints.projection_version IS
    'Version of the rules that made the rows; other rules do not go on from them.';
COMMENT ON COLUMN projections.checkpoints.position IS
    'Every event up to here is in the rows, and none after it.';
COMMENT ON COLUMN projections.checkpoints.applied IS 'Events applied so far.';
COMMENT ON COLUMN projections.checkpoints.events_per_second IS
    'Rate of the last seconds, as the holder measured it at its last heartbeat.';
COMMENT ON COLUMN projections.checkpoints.state IS
    'running (held), stopped (free), or failed: last_error has to be cured first.';
COMMENT ON COLUMN projections.checkpoints.holder IS
    'The projector that holds the lease: host and process.';
COMMENT ON COLUMN projections.checkpoints.fencing_token IS
    'Rises with every new holder; who writes with an older one is refused.';
COMMENT ON COLUMN projections.checkpoints.heartbeat_at IS
    'Last sign of life of the holder, by the clock of the database.';
COMMENT ON COLUMN projections.checkpoints.lease_seconds IS
    'How long after the last heartbeat another projector may take over.';
COMMENT ON COLUMN projections.checkpoints.last_error IS
    'Why it stopped: position, event_type, event_id, error, traceback, failed_at.';
COMMENT ON COLUMN projections.checkpoints.updated_at IS 'Last change of position or state.';

ALTER TABLE projections.checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE projections.checkpoints FORCE ROW LEVEL SECURITY;
CREATE POLICY projector ON projections.checkpoints TO eventstore_projector USING (true);
CREATE POLICY owner ON projections.checkpoints TO eventstore_owner USING (true);
CREATE POLICY auditor ON projections.checkpoints FOR SELECT TO eventstore_auditor USING (true);
GRANT SELECT, INSERT, UPDATE ON projections.checkpoints TO eventstore_projector;
GRANT SELECT ON projections.checkpoints TO eventstore_auditor;

-- Who may see and write read models --------------------------------------------------------------

CREATE FUNCTION projections.protect(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('CREATE POLICY projector ON %s TO eventstore_projector USING (true)', relation);
    EXECUTE format(
        'CREATE POLICY own_tenant ON %s FOR SELECT TO eventstore_auditor '
        'USING (tenant_id = (SELECT eventstore.current_tenant()) '
        'OR (SELECT eventstore.current_tenant()) = ''*'')', relation);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO eventstore_projector', relation);
    EXECUTE format('GRANT SELECT ON %s TO eventstore_auditor', relation);
END
$$;
COMMENT ON FUNCTION projections.protect(regclass) IS
    'Read models are written by the projector only and read by tenant; every migration that makes '
    'one, or a partition of one, calls this for it.';

-- Builds -----------------------------------------------------------------------------------------

-- The live tables, which migrations make, are the one source of a rebuild's DDL. The copy is made
-- in two steps, because loading is several times faster before there are indexes, and because the
-- constraints, added to loaded tables, prove what was loaded.

CREATE FUNCTION projections.build_schema(projection text, build text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE build WHEN 'live' THEN 'projections'
                      ELSE format('projections_%s_%s', build, projection) END
$$;
COMMENT ON FUNCTION projections.build_schema(text, text) IS
    'The schema that holds the tables of that build.';

CREATE FUNCTION projections.relations(schema_name text, tables text[])
RETURNS TABLE (relation regclass, name text, ordinal bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.oid::regclass, c.relname::text, t.ordinal
      FROM unnest(tables) WITH ORDINALITY AS t(name, ordinal)
      JOIN pg_class AS c ON c.relname = t.name AND c.relnamespace = schema_name::regnamespace
     ORDER BY t.ordinal
$$;
COMMENT ON FUNCTION projections.relations(text, text[]) IS
    'The named tables of a schema, in the order given.';

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

CREATE FUNCTION projections.clone_structure(from_schema text, to_schema text, tables text[])
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
COMMENT ON FUNCTION projections.clone_structure(text, text, text[]) IS
    'Makes the tables of one schema in another: columns, defaults, checks, comments; no indexes, '
    'foreign keys or grants yet.';

-- Definitions print without a schema what the search path finds, and are run under the path of
-- the copy: so a foreign key of the copy points into the copy.
CREATE FUNCTION projections.clone_constraints(from_schema text, to_schema text, tables text[])
RETURNS void
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
COMMENT ON FUNCTION projections.clone_constraints(text, text, text[]) IS
    'Adds to loaded copies what the originals have: keys, indexes, foreign keys, triggers, '
    'comments; and gathers statistics, so that the first reader gets a good plan.';

CREATE FUNCTION projections.clone_protection(from_schema text, to_schema text, tables text[])
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
COMMENT ON FUNCTION projections.clone_protection(text, text, text[]) IS
    'Gives copies the row security, policies and grants of the originals; after the load, because '
    'COPY refuses tables under row security.';

CREATE FUNCTION projections.drop_build(projection text, build text) RETURNS void
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
COMMENT ON FUNCTION projections.drop_build(text, text) IS
    'Drops the tables of a rebuild that was broken off, or those that a rebuild replaced.';

-- The whole switch is one call, so that readers wait for one round trip at most. The caller sets
-- lock_timeout: a long reader makes this give up, rather than let all others queue behind it.
CREATE FUNCTION projections.switch_builds(projection text, tables text[], fencing_token bigint)
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
COMMENT ON FUNCTION projections.switch_builds(text, text[], bigint) IS
    'Makes the rebuild live and the live tables old, and fences the live projector. Returns 0 when '
    'done, -1 when the rebuild''s lease is lost, or the position that the rebuild has to reach '
    'first, because readers must not go back in time.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA projections FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.build_schema(text, text)
    TO eventstore_projector, eventstore_auditor;
