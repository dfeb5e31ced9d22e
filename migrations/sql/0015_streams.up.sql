-- The life of streams: closed, reopened, described; and counts of the log that are kept, so that a
-- listing scans nothing. Runs as eventstore_owner.

-- What becomes of a stream -----------------------------------------------------------------------

ALTER TABLE eventstore.streams ADD COLUMN described_in bigint;
COMMENT ON COLUMN eventstore.streams.described_in IS
    'stream_version of the stream.described that describes the stream now; NULL for none.';

-- One request, as eventstore.append takes it, of one event that says what becomes of its stream:
-- stream.closed, stream.reopened or stream.described. The event is the account of it and the row
-- is what binds; one transaction writes both, under the lock of the stream's row, so that every
-- other append is before it or after it. A repeat of a recorded event answers with its first
-- receipt, and changes nothing: the stream may have been reopened since.
--
-- Raises, so that nothing of it stays, with the facts in DETAIL:
--   ES001 the stream is not where the writer believed; ES002 the event id is another fact;
--   ES003 the login may not write for the tenant; ES007 the stream is closed; ES009 it is not.
CREATE FUNCTION eventstore.mark_stream(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    OUT positions bigint[], OUT stream_versions bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in append
AS $$
#variable_conflict use_column
DECLARE
    act         text := bodies #>> '{0,t}';
    description json := bodies #> '{0,d,description}';
    since       timestamptz;
    actual      bigint;
    repeated    boolean;
    refusals    jsonb;
BEGIN
    PERFORM eventstore.begin_append(tenant);
    IF cardinality(event_ids) IS DISTINCT FROM 1 OR cardinality(stream_ids) IS DISTINCT FROM 1
       OR act IS NULL OR act NOT IN ('stream.closed', 'stream.reopened', 'stream.described')
       -- Not one that comes into being by this.
       OR (append_expected[1] = -1 OR append_expected[1] > 0) IS NOT TRUE THEN
        RAISE EXCEPTION 'no lone event that says what becomes of a stream that is there'
            USING ERRCODE = 'data_exception';
    END IF;
    IF act = 'stream.described' AND (json_typeof(description) IS DISTINCT FROM 'object'
                                     OR octet_length(description::text) > 16384) THEN
        RAISE EXCEPTION 'a description is no JSON object of at most 16384 bytes'
            USING ERRCODE = 'data_exception';
    END IF;

    SELECT s.closed_at, s.stream_version INTO since, actual FROM eventstore.streams AS s
     WHERE s.tenant_id = tenant AND s.stream_id = stream_ids[1] FOR UPDATE;
    repeated := EXISTS (SELECT FROM eventstore.event_ids AS guard
                         WHERE guard.tenant_id = tenant AND guard.event_id = event_ids[1]);
    IF act = 'stream.reopened' AND NOT repeated THEN
        IF since IS NULL AND actual > 0 THEN
            RAISE EXCEPTION 'the stream is not closed'
                USING ERRCODE = 'ES009',
                      DETAIL = json_build_object('stream_id', stream_ids[1])::text;
        END IF;
        UPDATE eventstore.streams AS s SET closed_at = NULL
         WHERE s.tenant_id = tenant AND s.stream_id = stream_ids[1];
    END IF;

    SELECT a.positions, a.stream_versions, a.refusals INTO positions, stream_versions, refusals
      FROM eventstore.append(tenant, stream_ids, append_request, append_stream, append_expected,
                             append_events, event_ids, bodies) AS a;
    IF refusals IS NOT NULL THEN
        RAISE EXCEPTION 'the append is refused'
            USING ERRCODE = refusals #>> '{0,sqlstate}', DETAIL = refusals #>> '{0,detail}';
    END IF;
    IF repeated THEN
        RETURN;
    END IF;
    IF act = 'stream.closed' THEN
        UPDATE eventstore.streams AS s
           SET closed_at = (SELECT e.recorded_at FROM eventstore.events AS e
                             WHERE e.tenant_id = tenant AND e.stream_id = stream_ids[1]
                               AND e.stream_version = mark_stream.stream_versions[1])
         WHERE s.tenant_id = tenant AND s.stream_id = stream_ids[1];
    ELSIF act = 'stream.described' THEN
        UPDATE eventstore.streams AS s SET described_in = mark_stream.stream_versions[1]
         WHERE s.tenant_id = tenant AND s.stream_id = stream_ids[1];
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.mark_stream(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json) IS
    'Appends the event by which a stream is closed, reopened or described, and does what it says.';

-- Counts -----------------------------------------------------------------------------------------

CREATE TABLE eventstore.event_counts (
    tenant_id       text COLLATE "C" NOT NULL,
    category        text COLLATE "C" NOT NULL,
    event_type      varchar(128) COLLATE "C" NOT NULL,
    retention_class text COLLATE "C" NOT NULL,
    events          bigint NOT NULL,
    streams         bigint NOT NULL,
    PRIMARY KEY (tenant_id, category, event_type, retention_class)
);
COMMENT ON TABLE eventstore.event_counts IS
    'How many events there are, up to the position that eventstore.counted has. Events are counted '
    'once, so what is detached or erased later stays in the counts.';
COMMENT ON COLUMN eventstore.event_counts.tenant_id IS 'The tenant of the events.';
COMMENT ON COLUMN eventstore.event_counts.category IS 'The part of stream_id before the first dash.';
COMMENT ON COLUMN eventstore.event_counts.event_type IS 'Stable name of the kind of fact.';
COMMENT ON COLUMN eventstore.event_counts.retention_class IS 'How long these events are kept.';
COMMENT ON COLUMN eventstore.event_counts.events IS 'How many there are.';
COMMENT ON COLUMN eventstore.event_counts.streams IS 'How many of them are the first of a stream.';

CREATE TABLE eventstore.counted (
    tenant_id text COLLATE "C" PRIMARY KEY,
    position  bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE eventstore.counted IS
    'How far event_counts count: the row * for all tenants, and rows of tenants that are ahead.';
COMMENT ON COLUMN eventstore.counted.tenant_id IS 'The tenant, or * for every one.';
COMMENT ON COLUMN eventstore.counted.position IS
    'All events up to this position are counted, and none above it.';
INSERT INTO eventstore.counted VALUES ('*', 0);

DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['event_counts', 'counted'] LOOP
        EXECUTE format('ALTER TABLE eventstore.%I ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('ALTER TABLE eventstore.%I FORCE ROW LEVEL SECURITY', relation);
        -- Counts of all tenants are added in one go; only the functions below run as the owner.
        EXECUTE format('CREATE POLICY counting ON eventstore.%I TO eventstore_owner USING (true)',
                       relation);
        EXECUTE format(
            'CREATE POLICY own_tenant ON eventstore.%I FOR SELECT TO eventstore_auditor '
            'USING (tenant_id = (SELECT eventstore.current_tenant()) OR tenant_id = ''*'' '
            'OR (SELECT eventstore.current_tenant()) = ''*'')', relation);
        EXECUTE format(
            'CREATE POLICY every_tenant ON eventstore.%I FOR SELECT '
            'TO eventstore_projector, eventstore_archiver USING (true)', relation);
        EXECUTE format('GRANT SELECT ON eventstore.%I '
                       'TO eventstore_projector, eventstore_archiver, eventstore_auditor',
                       relation);
    END LOOP;
END
$$;

-- Two may move the counts: a tenant its own, and who sees every tenant all of them. The first hold
-- the row * still, so that both never count the same event.
CREATE FUNCTION eventstore.count_events(
    tenant text, positions integer DEFAULT 50000, OUT counted_to bigint, OUT watermark bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan  -- the range is narrow
AS $$
#variable_conflict use_column
DECLARE
    caller text := eventstore.current_tenant();
    of_all bigint;
BEGIN
    IF caller IS NULL OR caller NOT IN (tenant, '*') OR tenant = '*' THEN
        RAISE EXCEPTION 'login % may not count for tenant %', session_user, tenant
            USING ERRCODE = 'ES003',
                  DETAIL = json_build_object('login', session_user, 'tenant', tenant)::text;
    END IF;
    IF positions NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'positions % is not in 1..1000000', positions USING ERRCODE = '22023';
    END IF;
    PERFORM set_config('eventstore.acting_tenant', tenant, true);
    SELECT c.position INTO of_all FROM eventstore.counted AS c WHERE c.tenant_id = '*' FOR SHARE;
    INSERT INTO eventstore.counted VALUES (tenant, 0) ON CONFLICT DO NOTHING;
    SELECT greatest(c.position, of_all) INTO counted_to
      FROM eventstore.counted AS c WHERE c.tenant_id = tenant FOR UPDATE;
    -- Only now: what is read below has a later snapshot.
    watermark := eventstore.watermark();
    IF watermark <= counted_to THEN
        RETURN;
    END IF;
    INSERT INTO eventstore.event_counts AS n
           (tenant_id, category, event_type, retention_class, events, streams)
    SELECT tenant, e.category, e.event_type, e.retention_class, count(*),
           count(*) FILTER (WHERE e.stream_version = 1)
      FROM eventstore.events AS e
     WHERE e.tenant_id = tenant AND e.position > count_events.counted_to
       AND e.position <= least(count_events.watermark, count_events.counted_to + positions)
     GROUP BY e.category, e.event_type, e.retention_class
    ON CONFLICT (tenant_id, category, event_type, retention_class) DO UPDATE
       SET events = n.events + excluded.events, streams = n.streams + excluded.streams;
    counted_to := least(watermark, counted_to + positions);
    UPDATE eventstore.counted AS c SET position = count_events.counted_to
     WHERE c.tenant_id = tenant;
END
$$;
COMMENT ON FUNCTION eventstore.count_events(text, integer) IS
    'Counts a tenant''s events of at most so many further positions, up to the watermark; returns '
    'how far it is counted, and the watermark.';

-- As its caller, who sees every tenant; the owner does not. What was read may be counted already
-- when it is to be added: then nothing is, and the next call goes on from there.
CREATE FUNCTION eventstore.count_all_events(
    positions integer DEFAULT 50000, OUT counted_to bigint, OUT watermark bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan  -- as in count_events
AS $$
#variable_conflict use_column
DECLARE
    until  bigint;
    counts json;
BEGIN
    IF positions NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'positions % is not in 1..1000000', positions USING ERRCODE = '22023';
    END IF;
    SELECT c.position INTO counted_to FROM eventstore.counted AS c WHERE c.tenant_id = '*';
    watermark := eventstore.watermark();
    IF watermark <= counted_to THEN
        RETURN;
    END IF;
    until := least(watermark, counted_to + positions);
    SELECT coalesce(json_agg(news), '[]') INTO counts
      FROM (SELECT e.tenant_id, coalesce(own.position, 0) AS own, e.category, e.event_type,
                   e.retention_class, count(*) AS events,
                   count(*) FILTER (WHERE e.stream_version = 1) AS streams
              FROM eventstore.events AS e
              LEFT JOIN eventstore.counted AS own ON own.tenant_id = e.tenant_id
             WHERE e.position > count_all_events.counted_to AND e.position <= until
               AND e.position > coalesce(own.position, 0)
             GROUP BY e.tenant_id, own.position, e.category, e.event_type, e.retention_class
           ) AS news;
    counted_to := eventstore.add_counts(counted_to, until, counts);
END
$$;
COMMENT ON FUNCTION eventstore.count_all_events(integer) IS
    'Counts the events of every tenant, of at most so many further positions, up to the watermark; '
    'returns how far it is counted, and the watermark.';

CREATE FUNCTION eventstore.add_counts(after bigint, until bigint, counts json) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_all bigint;
BEGIN
    -- Waits for the tenants that count at this moment, and keeps the others from it.
    SELECT c.position INTO of_all FROM eventstore.counted AS c WHERE c.tenant_id = '*' FOR UPDATE;
    IF of_all <> after OR EXISTS (
        SELECT FROM json_to_recordset(counts) AS n(tenant_id text, own bigint)
          JOIN eventstore.counted AS c ON c.tenant_id = n.tenant_id
         WHERE c.position > greatest(n.own, add_counts.after))
    THEN
        RETURN of_all;
    END IF;
    INSERT INTO eventstore.event_counts AS k
           (tenant_id, category, event_type, retention_class, events, streams)
    SELECT n.tenant_id, n.category, n.event_type, n.retention_class, n.events, n.streams
      FROM json_to_recordset(counts) AS n(tenant_id text, category text, event_type text,
                                          retention_class text, events bigint, streams bigint)
    ON CONFLICT (tenant_id, category, event_type, retention_class) DO UPDATE
       SET events = k.events + excluded.events, streams = k.streams + excluded.streams;
    UPDATE eventstore.counted AS c SET position = until WHERE c.tenant_id = '*';
    DELETE FROM eventstore.counted AS c WHERE c.tenant_id <> '*' AND c.position <= until;
    RETURN until;
END
$$;
COMMENT ON FUNCTION eventstore.add_counts(bigint, bigint, json) IS
    'Adds what count_all_events has read between two positions, unless it is counted already.';

-- STABLE, so that both statements have the snapshot of the caller's: how far is counted, and what
-- comes after it, belong together.
CREATE FUNCTION eventstore.counts_until(tenant text, until bigint)
RETURNS TABLE (category text, event_type text, retention_class text, events bigint,
               streams bigint, counted_to bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan  -- as in count_events
AS $$
#variable_conflict use_column
DECLARE
    after bigint;
BEGIN
    SELECT max(c.position) INTO after FROM eventstore.counted AS c
     WHERE c.tenant_id IN (tenant, '*');
    RETURN QUERY
    SELECT n.category, n.event_type::text, n.retention_class, sum(n.events)::bigint,
           sum(n.streams)::bigint, greatest(after, counts_until.until)
      FROM (SELECT k.category, k.event_type, k.retention_class, k.events, k.streams
              FROM eventstore.event_counts AS k WHERE k.tenant_id = tenant
             UNION ALL
            SELECT e.category, e.event_type, e.retention_class, count(*),
                   count(*) FILTER (WHERE e.stream_version = 1)
              FROM eventstore.events AS e
             WHERE e.tenant_id = tenant AND e.position > after
               AND e.position <= counts_until.until
             GROUP BY e.category, e.event_type, e.retention_class) AS n
     GROUP BY n.category, n.event_type, n.retention_class;
END
$$;
COMMENT ON FUNCTION eventstore.counts_until(text, bigint) IS
    'The counts of a tenant''s events up to a watermark read before: what is counted, and the tail.';

-- Who may do what --------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION
    eventstore.mark_stream(text, text[], integer[], integer[], bigint[], integer[], uuid[], json),
    eventstore.count_events(text, integer), eventstore.count_all_events(integer),
    eventstore.add_counts(bigint, bigint, json), eventstore.counts_until(text, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    eventstore.mark_stream(text, text[], integer[], integer[], bigint[], integer[], uuid[], json)
    TO eventstore_appender;
GRANT EXECUTE ON FUNCTION
    eventstore.count_events(text, integer), eventstore.counts_until(text, bigint)
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;
GRANT EXECUTE ON FUNCTION
    eventstore.count_all_events(integer), eventstore.add_counts(bigint, bigint, json)
    TO eventstore_projector, eventstore_archiver;
