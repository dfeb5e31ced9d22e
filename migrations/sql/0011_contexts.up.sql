-- The complete tables of all five contexts. Runs as eventstore_owner; the revision then makes the
-- tables from the files beside their rules.

-- Read models of another version ------------------------------------------------------------------

CREATE FUNCTION projections.drop_live(projection text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tables text := (SELECT string_agg(format('projections.%I', t.table_name), ', ')
                      FROM projections.live_tables AS t
                     WHERE t.projection = drop_live.projection);
BEGIN
    IF tables IS NOT NULL THEN
        EXECUTE 'DROP TABLE IF EXISTS ' || tables;
    END IF;
    PERFORM projections.drop_build(projection, 'rebuild'), projections.drop_build(projection, 'old');
    DELETE FROM projections.live_tables AS t WHERE t.projection = drop_live.projection;
    DELETE FROM projections.failures AS f WHERE f.projection = drop_live.projection;
    DELETE FROM projections.checkpoints AS c WHERE c.projection = drop_live.projection;
END
$$;
COMMENT ON FUNCTION projections.drop_live(text) IS
    'Removes a projection''s tables and builds, and how far it had come: it starts again from the '
    'first event. For migrations.';

CREATE FUNCTION projections.make_way(projection text, projection_version integer) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name   text;
    filled boolean;
BEGIN
    FOR name IN SELECT t.table_name FROM projections.live_tables AS t
                 WHERE t.projection = make_way.projection
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM projections.%I)', name) INTO filled;
        IF filled THEN
            RETURN false;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM projections.live_tables AS t
                WHERE t.projection = make_way.projection
                  AND t.projection_version >= make_way.projection_version) THEN
        RETURN false;
    END IF;
    PERFORM projections.drop_live(projection);
    RETURN true;
END
$$;
COMMENT ON FUNCTION projections.make_way(text, integer) IS
    'Makes room for the tables of a newer version, unless there are rows: then a rebuild brings '
    'the version, without downtime. Whether there is room now. For migrations.';

CREATE FUNCTION projections.claim_tables(
    projection text, projection_version integer, there_before text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
    SELECT relname, $1, $2, row_number() OVER (ORDER BY oid)
      FROM pg_class
     WHERE relnamespace = 'projections'::regnamespace AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname <> ALL ($3)
$$;
COMMENT ON FUNCTION projections.claim_tables(text, integer, text[]) IS
    'Enters the tables that were not there before as the live ones of a projection, in the order '
    'in which they were made. For migrations.';

REVOKE ALL ON FUNCTION projections.drop_live(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.make_way(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.claim_tables(text, integer, text[]) FROM PUBLIC;

-- packaging ---------------------------------------------------------------------------------------

-- work --------------------------------------------------------------------------------------------

-- trust -------------------------------------------------------------------------------------------

-- projects ----------------------------------------------------------------------------------------

-- workspaces --------------------------------------------------------------------------------------
