-- Batches that move all their streams at once. Runs as eventstore_owner.
--
-- Both functions move every stream by one INSERT … ON CONFLICT, in the order of the stream_ids, as
-- if each append were accepted: which nearly always each is. A stream that is new is written once
-- then, with its last stream_version, where it took a row that says 0, a lock and an update. Only
-- then do they look whether every writer was right. If not, the streams are moved back, under locks
-- that are held, and each request is decided for itself.

-- The short way of appends to several streams, of one request or of many that were on their way at
-- the same moment: one element of each array is an event, in order of the appends. expected is that
-- of its append for the first event of one, and NULL for the others. An array of which all elements
-- would be NULL may be NULL itself.
-- Answers the stream_version of each event and then the position of each. It answers NULL, and
-- leaves a stream that does not exist at most a row that says so, when one of the streams is not
-- where its writer believes or is closed; then append has to decide each request for itself.
CREATE OR REPLACE FUNCTION eventstore.append_together(
    tenant text, stream_ids text[], expected bigint[], event_ids uuid[], event_types text[],
    schema_versions smallint[], retention_classes text[], payloads json[], correlation_ids uuid[],
    causation_ids uuid[], agents text[], target_agents text[], metadatas json[],
    occurred_ats timestamptz[]
) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_nestloop = off  -- as in append and in decide
AS $$
#variable_conflict use_column
DECLARE
    moment   timestamptz;
    versions bigint[];
    fits     boolean;
    taken    bigint[];
BEGIN
    PERFORM eventstore.begin_append(tenant);
    IF (cardinality(event_ids) > 0
        AND '0001-01-01 00:00:00+00' <= ALL (coalesce(array_remove(occurred_ats, NULL), '{}'))
        AND '10000-01-01 00:00:00+00' > ALL (coalesce(array_remove(occurred_ats, NULL), '{}')))
       IS NOT TRUE
    THEN
        RAISE EXCEPTION 'no events, or an occurred_at outside the years 1 to 9999'
            USING ERRCODE = 'data_exception';
    END IF;

    -- Blocks while another transaction moves or makes one of the streams.
    WITH said AS MATERIALIZED (
        SELECT e.stream_id COLLATE "C" AS stream_id, count(*) AS events,
               array_agg(e.n ORDER BY e.n) AS places
          FROM unnest(stream_ids) WITH ORDINALITY AS e(stream_id, n) GROUP BY 1
    ), moved AS (
        INSERT INTO eventstore.streams AS s (tenant_id, stream_id, stream_version)
        SELECT tenant, said.stream_id, said.events FROM said ORDER BY said.stream_id
        ON CONFLICT (tenant_id, stream_id) DO UPDATE
           SET stream_version = s.stream_version + excluded.stream_version
        RETURNING s.stream_id, s.stream_version, s.closed_at
    ), placed AS (
        SELECT unnest(said.places) AS n, moved.closed_at,
               moved.stream_version - said.events + generate_series(1, said.events)
               AS stream_version
          FROM said JOIN moved USING (stream_id)
    )
    SELECT array_agg(p.stream_version ORDER BY p.n),
           bool_and(p.closed_at IS NULL
                    AND (e.expected IS NULL OR e.expected = -2
                         OR e.expected = p.stream_version - 1
                         OR e.expected = -1 AND p.stream_version > 1))
      INTO versions, fits
      FROM placed AS p, LATERAL (SELECT append_together.expected[p.n] AS expected) AS e;
    IF NOT fits THEN
        UPDATE eventstore.streams AS s SET stream_version = s.stream_version - e.events
          FROM (SELECT stream_id, count(*) AS events
                  FROM unnest(stream_ids) AS stream_id GROUP BY 1) AS e
         WHERE s.tenant_id = tenant AND s.stream_id = e.stream_id
           AND s.stream_id = ANY (stream_ids);  -- says the same again, for the planner
        RETURN NULL;
    END IF;
    INSERT INTO eventstore.event_ids (tenant_id, event_id, stream_id, stream_version)
    SELECT tenant, e.id, e.stream_id, e.stream_version
      FROM unnest(event_ids, stream_ids, versions) AS e(id, stream_id, stream_version);

    -- Registers a lower bound, then takes the positions, as append does.
    IF pg_advisory_xact_lock_shared((17750::bigint << 48)
           | coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0)) IS NULL THEN
        RETURN NULL;
    END IF;
    taken := ARRAY(SELECT nextval('eventstore.events_position_seq')
                     FROM generate_series(1, cardinality(event_ids)));
    moment := clock_timestamp();
    -- An array that is longer or shorter than the others meets NULL where none may be.
    INSERT INTO eventstore.events (
        position, tenant_id, event_id, stream_id, category, stream_version, event_type,
        schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
        data, data_hash, metadata, occurred_at, recorded_at)
    SELECT e.position, tenant, e.id, e.stream_id, split_part(e.stream_id, '-', 1),
           e.stream_version, e.event_type, e.schema_version, coalesce(e.correlation_id, e.id),
           e.causation_id, e.agent, e.target_agent, e.retention_class, e.data,
           sha256(convert_to(e.data::text, 'UTF8')), coalesce(e.metadata, '{}'),
           coalesce(e.occurred_at, moment), moment
      FROM unnest(taken, event_ids, stream_ids, versions, event_types, schema_versions,
                  retention_classes, payloads, correlation_ids, causation_ids, agents,
                  target_agents, metadatas, occurred_ats)
           AS e(position, id, stream_id, stream_version, event_type, schema_version,
                retention_class, data, correlation_id, causation_id, agent, target_agent,
                metadata, occurred_at);
    RETURN versions || taken;
END
$$;

-- Appends a batch of requests as eventstore.append does, with the same checks and the same outcome
-- for each, but from arrays, one element an event, so that there is no JSON to take apart. The
-- arrays up to event_ids are those of append, and so are the facts of the events.
--   tags            for each event NULL, or its tags as an array literal, sorted, no tag twice
-- Of the arrays from correlation_ids on, payloads aside, one whose elements would all be NULL may be
-- NULL itself. A correlation_id that is NULL is the event's own id, and metadata that is NULL is {}.
-- The answer: outcomes {taken, recorded: [request], refusals: [{request, sqlstate, detail}]}, NULL
-- when all is new and was taken; and the position of the last event that was taken now, NULL for
-- none. When an event of the batch is recorded already, then nothing of it is taken: the outcomes
-- name the requests concerned, and the rest is to be sent again without them.
-- Raises ES003 when the login may not write for the tenant.
CREATE OR REPLACE FUNCTION eventstore.import_events(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[],
    event_types text[], schema_versions smallint[], retention_classes text[],
    correlation_ids uuid[], causation_ids uuid[], agents text[], target_agents text[],
    payloads json[], metadata json[], occurred_at timestamptz[], tags text[],
    OUT outcomes jsonb, OUT last_position bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in append
AS $$
DECLARE
    events CONSTANT integer := cardinality(event_ids);
    tagged CONSTANT boolean := cardinality(array_remove(tags, NULL)) > 0;
    event_streams  text[];
    event_versions bigint[];
    event_requests integer[];
    moved          bigint[];  -- stream_version of each stream after all of the batch
    is_open        boolean;
    fits           boolean;
    refusals       jsonb;
    accepted       integer := events;
    done           integer;
    lower_bound    bigint;
    moment         timestamptz;
BEGIN
    PERFORM eventstore.begin_append(tenant);
    IF NOT coalesce(events = ALL (ARRAY[
           cardinality(event_types), cardinality(schema_versions), cardinality(retention_classes),
           cardinality(payloads)] || array_remove(ARRAY[
           cardinality(correlation_ids), cardinality(causation_ids), cardinality(agents),
           cardinality(target_agents), cardinality(import_events.metadata),
           cardinality(import_events.occurred_at), cardinality(import_events.tags)], NULL)), false)
       OR NOT coalesce(cardinality(append_request) = ALL (ARRAY[
           cardinality(append_stream), cardinality(append_expected),
           cardinality(append_events)]), false)
    THEN
        RAISE EXCEPTION 'the arrays of events, or of appends, are not all of the same length'
            USING ERRCODE = 'data_exception';
    END IF;
    IF stream_ids IS DISTINCT FROM
       ARRAY(SELECT DISTINCT said COLLATE "C" FROM unnest(stream_ids) AS said ORDER BY 1) THEN
        RAISE EXCEPTION 'stream_ids are not distinct and sorted'
            USING ERRCODE = 'data_exception';
    END IF;

    IF EXISTS (SELECT FROM eventstore.event_ids AS guard
                WHERE guard.tenant_id = tenant
                  AND guard.event_id = ANY (import_events.event_ids)) THEN
        SELECT array_agg(e.request), array_agg(e.stream_id) INTO event_requests, event_streams
          FROM (SELECT a.request, stream_ids[a.stream] AS stream_id, generate_series(1, a.events)
                  FROM unnest(append_request, append_stream, append_events)
                       AS a(request, stream, events)) AS e;
        outcomes := eventstore.recorded_requests(
            tenant, event_requests, event_streams, event_ids, payloads);
        RETURN;
    END IF;

    -- 1. Move the streams. Blocks while another transaction moves or makes one of them.
    WITH said AS (
        SELECT a.stream, sum(a.events) AS events
          FROM unnest(append_stream, append_events) AS a(stream, events) GROUP BY 1
    ), written AS (
        INSERT INTO eventstore.streams AS s (tenant_id, stream_id, stream_version)
        SELECT tenant, stream_ids[said.stream], said.events FROM said ORDER BY said.stream
        ON CONFLICT (tenant_id, stream_id) DO UPDATE
           SET stream_version = s.stream_version + excluded.stream_version
        RETURNING s.stream_version, s.closed_at
    )
    SELECT array_agg(m.stream_version), bool_and(m.closed_at IS NULL) INTO moved, is_open
      FROM written AS m;
    IF cardinality(moved) IS DISTINCT FROM cardinality(stream_ids) THEN
        RAISE EXCEPTION 'a stream without an append' USING ERRCODE = 'data_exception';
    END IF;
    SELECT array_agg(e.stream_id), array_agg(e.stream_version), bool_and(e.fits)
      INTO event_streams, event_versions, fits
      FROM (SELECT stream_ids[a.stream] AS stream_id,
                   a.before + generate_series(1, a.events) AS stream_version,
                   a.expected = -2 OR a.expected = a.before OR a.expected = -1 AND a.before > 0
                   AS fits
              FROM (SELECT said.stream, said.expected, said.events,
                           moved[said.stream] - sum(said.events) OVER (
                               PARTITION BY said.stream ORDER BY said.n
                               ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)::bigint AS before
                      FROM unnest(append_stream, append_expected, append_events)
                           WITH ORDINALITY AS said(stream, expected, events, n)
                     ORDER BY said.n) AS a) AS e;
    IF (is_open AND fits AND cardinality(event_streams) = events) IS NOT TRUE THEN
        UPDATE eventstore.streams AS s SET stream_version = s.stream_version - said.events
          FROM (SELECT stream_ids[a.stream] AS stream_id, sum(a.events) AS events
                  FROM unnest(append_stream, append_events) AS a(stream, events)
                 GROUP BY 1) AS said
         WHERE s.tenant_id = tenant AND s.stream_id = said.stream_id
           AND s.stream_id = ANY (stream_ids);  -- says the same again, for the planner
        -- What was recorded since shows as a refusal, which a repeat explains.
        SELECT d.event_streams, d.event_versions, d.refusals, d.accepted
          INTO event_streams, event_versions, refusals, accepted
          FROM eventstore.decide(tenant, stream_ids, append_request, append_stream,
                                 append_expected, append_events, event_ids, NULL) AS d;
        IF refusals @> '[{"sqlstate": "ES002"}]' THEN
            RAISE EXCEPTION 'an event was recorded at the same moment'
                USING ERRCODE = 'serialization_failure', HINT = 'Repeat the same import.';
        END IF;
        outcomes := jsonb_build_object('taken', true, 'recorded', '[]'::jsonb,
                                       'refusals', refusals);
        IF accepted = 0 THEN
            RETURN;
        END IF;
    END IF;

    -- 2. Hold the tags and claim the ids, and 3. register and take the positions, as append does.
    -- A unique_violation says that an event was recorded at the same moment, which a repeat
    -- explains.
    IF tagged THEN
        PERFORM eventstore.lock_tags(
            tenant, (SELECT array_agg(DISTINCT tag)
                       FROM unnest(tags) AS said, unnest(said::text[]) AS tag), '{}');
    END IF;
    INSERT INTO eventstore.event_ids (tenant_id, event_id, stream_id, stream_version)
    SELECT tenant, e.id, e.stream_id, e.stream_version
      FROM (SELECT unnest(event_ids) AS id, unnest(event_streams) AS stream_id,
                   unnest(event_versions) AS stream_version) AS e
     WHERE e.stream_version IS NOT NULL;
    lower_bound := coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0);
    PERFORM pg_advisory_xact_lock_shared((17750::bigint << 48) | lower_bound);
    moment := clock_timestamp();
    -- Side by side in a SELECT list the arrays are walked through without being put by; those that
    -- are NULL give NULL.
    INSERT INTO eventstore.events (
        position, tenant_id, event_id, stream_id, category, stream_version, event_type,
        schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
        data, data_hash, metadata, occurred_at, recorded_at, tags)
    SELECT nextval('eventstore.events_position_seq'), tenant, e.id, e.stream_id,
           split_part(e.stream_id, '-', 1), e.stream_version, e.event_type,
           e.schema_version, coalesce(e.correlation_id, e.id), e.causation_id, e.agent,
           e.target_agent, e.retention_class, e.data, sha256(convert_to(e.data::text, 'UTF8')),
           coalesce(e.metadata, '{}'), coalesce(e.occurred_at, moment), moment, e.tags::text[]
      FROM (SELECT unnest(event_ids) AS id, unnest(event_streams) AS stream_id,
                   unnest(event_versions) AS stream_version, unnest(event_types) AS event_type,
                   unnest(schema_versions) AS schema_version,
                   unnest(retention_classes) AS retention_class,
                   unnest(correlation_ids) AS correlation_id,
                   unnest(causation_ids) AS causation_id, unnest(agents) AS agent,
                   unnest(target_agents) AS target_agent, unnest(payloads) AS data,
                   unnest(import_events.metadata) AS metadata,
                   unnest(import_events.occurred_at) AS occurred_at,
                   unnest(import_events.tags) AS tags) AS e
     WHERE e.stream_version IS NOT NULL
       AND (e.occurred_at IS NULL
            OR e.occurred_at >= '0001-01-01 00:00:00+00' AND e.occurred_at < '10000-01-01 00:00:00+00')
       AND (e.tags IS NULL OR array_ndims(e.tags::text[]) = 1
                              AND cardinality(e.tags::text[]) <= 64 AND '' <> ALL (e.tags::text[]));
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done <> accepted THEN
        RAISE EXCEPTION 'an occurred_at outside the years 1 to 9999, or tags that can''t be'
            USING ERRCODE = 'data_exception';
    END IF;
    last_position := currval('eventstore.events_position_seq');
    IF tagged THEN
        INSERT INTO eventstore.event_tags (tenant_id, tag, position, event_type)
        SELECT e.tenant_id, tag, e.position, e.event_type
          FROM eventstore.events AS e, unnest(e.tags) AS tag
         WHERE e.position > lower_bound AND e.position <= last_position
           AND e.tenant_id = tenant AND e.recorded_at = moment
           AND e.event_id = ANY (import_events.event_ids);
    END IF;
END
$$;
