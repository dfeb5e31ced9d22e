-- Pages of the log that open few partitions, however many there are. Runs as eventstore_owner.

-- Every event of a sealed partition has its position between the two that sealed_partitions holds, so
-- a page looks into those sealed months whose positions it may meet, and into all that is not sealed.
-- Only these positions count: recorded_at is by a clock, and may go back while positions go on.
--
-- A page goes as far as the partitions that it must open anyway, `reach`, and if it is not full
-- then, on into the next ones, four times as far. So it is short only where the log ends.
--
-- The bounds are variables, which are known when a plan begins to run, as in stream_page; the
-- months between them are one range, so a clock that went back costs some partitions more. The
-- order must come from the index on position: whatever is sorted would be read to its end first.
CREATE FUNCTION eventstore.log_page(
    tenant text, after bigint, until bigint, most integer,
    event_types text[] DEFAULT NULL, categories text[] DEFAULT NULL, query json DEFAULT NULL,
    field text DEFAULT NULL, shards integer DEFAULT 1, shard integer DEFAULT 0
)
RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan' SET enable_sort = off SET jit = off AS $$
DECLARE
    -- A key is found by halving, where ANY would compare an event's type with each of the array.
    types     jsonb := jsonb_object(event_types, event_types);
    width     bigint := most;
    open_from timestamptz;
    first     text;
    last      text;
    low       timestamptz;
    high      timestamptz;
    reach     bigint;
    found     integer;
BEGIN
    IF query IS NOT NULL AND (tenant IS NULL OR shards > 1) THEN
        RAISE EXCEPTION 'a query is of one tenant, and of no shard'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    WHILE after < until AND most > 0 LOOP
        reach := after + least(width, until - after);
        SELECT (SELECT u.moment FROM eventstore.sealed_until AS u),
               min(right(s.name, 7)) FILTER (WHERE s.low_position <= reach),
               max(right(s.name, 7)) FILTER (WHERE s.low_position <= reach),
               least(until, min(s.low_position) FILTER (WHERE s.low_position > reach) - 1)
          INTO open_from, first, last, reach
          FROM eventstore.sealed_partitions AS s WHERE s.high_position > after;
        low := to_date(first, 'YYYY_MM')::timestamp AT TIME ZONE 'UTC';
        high := (to_date(last, 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC';
        IF shards > 1 THEN
            RETURN QUERY
            SELECT e.* FROM eventstore.events AS e
             WHERE e.position > after AND e.position <= reach
               AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
               AND (tenant IS NULL OR e.tenant_id = tenant)
               AND (types IS NULL OR types ? e.event_type)
               AND (categories IS NULL OR e.category = ANY (categories))
               AND eventstore.shard_of(e.data ->> field, shards) = shard
             ORDER BY e.position LIMIT most;
        ELSIF tenant IS NULL THEN
            RETURN QUERY
            SELECT e.* FROM eventstore.events AS e
             WHERE e.position > after AND e.position <= reach
               AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
               AND (types IS NULL OR types ? e.event_type)
               AND (categories IS NULL OR e.category = ANY (categories))
             ORDER BY e.position LIMIT most;
        ELSIF types IS NULL AND categories IS NULL AND query IS NULL THEN
            RETURN QUERY
            SELECT e.* FROM eventstore.events AS e
             WHERE e.tenant_id = tenant AND e.position > after AND e.position <= reach
               AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
             ORDER BY e.position LIMIT most;
        ELSE
            RETURN QUERY
            SELECT e.* FROM eventstore.events AS e
             WHERE e.tenant_id = tenant AND e.position > after AND e.position <= reach
               AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
               AND (types IS NULL OR types ? e.event_type)
               AND (categories IS NULL OR e.category = ANY (categories))
               AND (query IS NULL OR EXISTS (
                    SELECT FROM json_to_recordset(query) AS item(types text[], tags text[])
                     WHERE (item.types IS NULL OR e.event_type = ANY (item.types))
                       AND (item.tags IS NULL OR e.tags @> item.tags COLLATE "C")))
             ORDER BY e.position LIMIT most;
        END IF;
        GET DIAGNOSTICS found = ROW_COUNT;
        most := most - found;
        after := reach;
        width := width * 4;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.log_page(
    text, bigint, bigint, integer, text[], text[], json, text, integer, integer) IS
    'The next events with after < position <= until, in order: of a tenant or of all that may be '
    'seen, of some types, categories or a query, of one shard by the hash of a payload''s field.';

-- The same for events whose positions are known.
CREATE FUNCTION eventstore.events_at(positions bigint[]) RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan' SET enable_sort = off SET jit = off AS $$
DECLARE
    open_from timestamptz := (SELECT u.moment FROM eventstore.sealed_until AS u);
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT to_date(min(right(s.name, 7)), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC',
           (to_date(max(right(s.name, 7)), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC'
      INTO low, high
      FROM eventstore.sealed_partitions AS s
      JOIN (SELECT min(p) AS lowest, max(p) AS highest FROM unnest(positions) AS p) AS wanted
           ON s.low_position <= wanted.highest AND s.high_position >= wanted.lowest;
    RETURN QUERY
    SELECT e.* FROM eventstore.events AS e
     WHERE e.position = ANY (positions)
       AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
     ORDER BY e.position;
END
$$;
COMMENT ON FUNCTION eventstore.events_at(bigint[]) IS
    'The events at these positions, as far as they are there, in order.';

-- What subscriptions read goes the same ways.
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
            SELECT e.* FROM eventstore.events_at(places) AS e
             WHERE s.categories IS NULL OR e.category = ANY (s.categories)
             ORDER BY e.position LIMIT room - found;
            GET DIAGNOSTICS page = ROW_COUNT;
            found := found + page;
            EXIT WHEN found = room OR cardinality(places) < room;
            after := places[room];
        END LOOP;
    ELSE
        RETURN QUERY SELECT e.* FROM eventstore.log_page(
            s.tenant_id, s.read_position, until, room, s.event_types, s.categories) AS e;
    END IF;
END
$$;

-- As before, but what is known of the months is asked for at once.
CREATE OR REPLACE FUNCTION eventstore.run_page(tenant text, run uuid, after bigint, most integer)
RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    open_from timestamptz;
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT (SELECT u.moment FROM eventstore.sealed_until AS u),
           min(s.month),
           (max(s.month) AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
      INTO open_from, low, high
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
SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    open_from timestamptz;
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT (SELECT u.moment FROM eventstore.sealed_until AS u),
           min(s.month),
           (max(s.month) AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
      INTO open_from, low, high
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

REVOKE ALL ON FUNCTION
    eventstore.log_page(
        text, bigint, bigint, integer, text[], text[], json, text, integer, integer),
    eventstore.events_at(bigint[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    eventstore.log_page(
        text, bigint, bigint, integer, text[], text[], json, text, integer, integer),
    eventstore.events_at(bigint[])
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;
