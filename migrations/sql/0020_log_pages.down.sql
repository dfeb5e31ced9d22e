-- Subscriptions, streams and runs are read as before.
CREATE OR REPLACE FUNCTION eventstore.matching(
    s eventstore.subscriptions, until bigint, room integer
) RETURNS SETOF eventstore.events
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    after  bigint := s.read_position;
    places bigint[];
    found  integer := 0;
    page   integer;
BEGIN
    -- Each form follows the index that has its filter; the others are tested on what it gives.
    IF s.correlation_id IS NOT NULL THEN
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = s.tenant_id AND e.correlation_id = s.correlation_id
           AND e.position > s.read_position AND e.position <= until
           AND (s.event_types IS NULL OR e.event_type = ANY (s.event_types))
           AND (s.categories IS NULL OR e.category = ANY (s.categories))
           AND (s.tags IS NULL OR e.tags @> s.tags)
         ORDER BY e.position LIMIT room;
    ELSIF s.tags IS NOT NULL THEN
        LOOP
            places := ARRAY(SELECT t.position FROM eventstore.tagged(
                s.tenant_id, s.event_types, s.tags, after, until, room) AS t);
            RETURN QUERY
            SELECT e.* FROM eventstore.events AS e
             WHERE e.tenant_id = s.tenant_id AND e.position = ANY (places)
               AND (s.categories IS NULL OR e.category = ANY (s.categories))
             ORDER BY e.position LIMIT room - found;
            GET DIAGNOSTICS page = ROW_COUNT;
            found := found + page;
            EXIT WHEN found = room OR cardinality(places) < room;
            after := places[room];
        END LOOP;
    ELSE
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = s.tenant_id
           AND e.position > s.read_position AND e.position <= until
           AND (s.event_types IS NULL OR e.event_type = ANY (s.event_types))
           AND (s.categories IS NULL OR e.category = ANY (s.categories))
         ORDER BY e.position LIMIT room;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION eventstore.run_page(tenant text, run uuid, after bigint, most integer)
RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    open_from timestamptz := (SELECT moment FROM eventstore.sealed_until);
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT min(s.month), max(s.month) + interval '1 month' INTO low, high
      FROM eventstore.sealed_runs AS s WHERE s.tenant_id = tenant AND s.correlation_id = run;
    RETURN QUERY
    SELECT e.* FROM eventstore.events AS e
     WHERE e.tenant_id = tenant AND e.correlation_id = run AND e.position > after
       AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
     ORDER BY e.position LIMIT most;
END
$$;

CREATE OR REPLACE FUNCTION eventstore.stream_page(
    tenant text, stream text, from_version bigint, most integer, backwards boolean
)
RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    open_from timestamptz := (SELECT moment FROM eventstore.sealed_until);
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT min(s.month), max(s.month) + interval '1 month' INTO low, high
      FROM eventstore.sealed_streams AS s WHERE s.tenant_id = tenant AND s.stream_id = stream;
    IF backwards THEN
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = tenant AND e.stream_id = stream AND e.stream_version <= from_version
           AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
         ORDER BY e.stream_version DESC LIMIT most;
    ELSE
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = tenant AND e.stream_id = stream AND e.stream_version >= from_version
           AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
         ORDER BY e.stream_version LIMIT most;
    END IF;
END
$$;

DROP FUNCTION eventstore.events_at(bigint[]);
DROP FUNCTION eventstore.log_page(
    text, bigint, bigint, integer, text[], text[], json, text, integer, integer);
