-- Whose the live tables are, and builds whose tables differ from the live ones: a new version of a
-- projection may add and remove tables. Runs as eventstore_owner.

CREATE TABLE projections.live_tables (
    table_name         text COLLATE "C" PRIMARY KEY,
    projection         text COLLATE "C" NOT NULL CHECK (projection ~ '^[a-z][a-z0-9_]{0,39}$'),
    projection_version integer NOT NULL CHECK (projection_version > 0),
    ordinal            smallint NOT NULL CHECK (ordinal > 0),
    UNIQUE (projection, ordinal)
);
COMMENT ON TABLE projections.live_tables IS
    'The read models in the schema projections, and whose they are. Every migration that makes '
    'some adds them here; a switch of builds replaces them. Not data of a tenant.';
COMMENT ON COLUMN projections.live_tables.table_name IS 'Name of the table.';
COMMENT ON COLUMN projections.live_tables.projection IS 'The one projection that fills it.';
COMMENT ON COLUMN projections.live_tables.projection_version IS
    'The version of the rules that the table was made for.';
COMMENT ON COLUMN projections.live_tables.ordinal IS
    'Its place among the tables of its projection: after those that its foreign keys point to.';

ALTER TABLE projections.live_tables ENABLE ROW LEVEL SECURITY;
ALTER TABLE projections.live_tables FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON projections.live_tables TO eventstore_owner USING (true);
CREATE POLICY projector ON projections.live_tables FOR SELECT TO eventstore_projector USING (true);
CREATE POLICY auditor ON projections.live_tables FOR SELECT TO eventstore_auditor USING (true);
GRANT SELECT ON projections.live_tables TO eventstore_projector, eventstore_auditor;

INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
SELECT name, projection, 1, ordinal
  FROM (VALUES ('packaging', ARRAY['packages', 'installers', 'process_history']),
               ('work', ARRAY['work_orders', 'work_items', 'attempts', 'approval_events']),
               ('trust', ARRAY['agents', 'agent_sessions', 'agent_decisions', 'trust_metrics',
                               'trust_levels', 'conversation_history']))
       AS made (projection, tables),
       unnest(tables) WITH ORDINALITY AS t (name, ordinal);

DROP FUNCTION projections.assert_rebuildable(text[]);
CREATE FUNCTION projections.assert_rebuildable(projection text, tables text[]) RETURNS void
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
COMMENT ON FUNCTION projections.assert_rebuildable(text, text[]) IS
    'Raises ES101 when the names of a build''s tables are taken, or when something outside a '
    'projection hangs on its live tables, and would go on to point at the replaced ones.';

CREATE FUNCTION projections.exchange_tables(
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
COMMENT ON FUNCTION projections.exchange_tables(text, integer, text, text, text[]) IS
    'Moves all live tables of a projection into a new schema, and those of a build into their '
    'place, whether they are the same tables or others.';

CREATE OR REPLACE FUNCTION projections.switch_builds(
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

REVOKE ALL ON FUNCTION projections.assert_rebuildable(text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.exchange_tables(text, integer, text, text, text[]) FROM PUBLIC;
