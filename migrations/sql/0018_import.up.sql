-- Imports: thousands of appends in one call. Runs as eventstore_owner.

-- What is recorded of a batch -------------------------------------------------------------------

-- A request of which at least one event id is known. The same facts in the same streams answer
-- with their first receipt; anything else is refused. All of them are looked up at once: one at a
-- time, a repeated batch took half a millisecond an event.
CREATE OR REPLACE FUNCTION eventstore.repeated(
    tenant text, known jsonb, ids uuid[], streams text[], counts integer[], hashes bytea[],
    OUT refusal jsonb, OUT positions bigint[], OUT stream_versions bigint[]
)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
-- decide, which calls this, compares by hash; here each is looked up by its key. OFFSET 0 keeps the
-- lookups as they are, and the order names the index: a plan of young tables would compare each event
-- with each other, or look through all of a tenant's for each (10,000 events: 10 s).
SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
    WITH told AS MATERIALIZED (
        SELECT array_agg(a.stream_id ORDER BY a.n) AS streams
          FROM unnest($4, $5) WITH ORDINALITY AS a(stream_id, events, n), generate_series(1, a.events)
    ), said AS MATERIALIZED (
        SELECT unnest($3) AS event_id, unnest(told.streams) AS stream_id, unnest($6) AS data_hash,
               generate_subscripts($3, 1) AS n
          FROM told
    ), compared AS (
        SELECT said.n, said.event_id, said.stream_id, guard.stream_id AS recorded_in,
               guard.stream_version, e.position,
               CASE WHEN guard.event_id IS NULL THEN 'partly recorded'
                    WHEN guard.stream_id <> said.stream_id THEN 'another stream'
                    WHEN e.position IS NULL THEN 'in a detached month'
                    -- An import knows no hashes here, and asks again when one of these is known.
                    WHEN e.data_hash IS DISTINCT FROM said.data_hash THEN 'other content'
               END AS reason
          FROM said
          LEFT JOIN LATERAL (
               SELECT event_id, stream_id, stream_version FROM eventstore.event_ids
                WHERE tenant_id = $1 AND event_id = said.event_id OFFSET 0) AS guard ON true
          LEFT JOIN LATERAL (
               SELECT position, data_hash, stream_version FROM eventstore.events
                WHERE tenant_id = $1 AND stream_id = guard.stream_id
                  AND stream_version >= guard.stream_version
                ORDER BY stream_version LIMIT 1) AS e
            ON e.stream_version = guard.stream_version
    )
    SELECT (array_agg(jsonb_build_object(
                'sqlstate', 'ES002', 'detail', jsonb_build_object(
                    'event_id', event_id, 'stream_id', stream_id, 'reason', reason,
                    'recorded_in', coalesce(recorded_in, stream_id)))
                ORDER BY n) FILTER (WHERE reason IS NOT NULL))[1],
           array_agg(position ORDER BY n), array_agg(stream_version ORDER BY n)
      FROM compared
$$;

-- The requests of a batch that are recorded as they are said now, and the refusals of those that
-- are recorded only partly or otherwise; nothing of those that are new.
CREATE FUNCTION eventstore.recorded_requests(
    tenant text, event_requests integer[], event_streams text[], event_ids uuid[], payloads json[]
) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
    WITH said AS MATERIALIZED (
        SELECT unnest($2) AS request, unnest($3) AS stream_id, unnest($4) AS event_id,
               unnest($5) AS data, generate_subscripts($4, 1) AS n
    ), compared AS (
        SELECT said.n, said.request, said.event_id, said.stream_id,
               guard.stream_id AS recorded_in,
               CASE WHEN guard.event_id IS NULL THEN 'partly recorded'
                    WHEN guard.stream_id <> said.stream_id THEN 'another stream'
                    WHEN e.data_hash IS NULL THEN 'in a detached month'
                    WHEN e.data_hash <> sha256(convert_to(said.data::text, 'UTF8'))
                    THEN 'other content' END AS reason
          FROM said
          LEFT JOIN LATERAL (
               SELECT event_id, stream_id, stream_version FROM eventstore.event_ids
                WHERE tenant_id = $1 AND event_id = said.event_id OFFSET 0) AS guard ON true
          LEFT JOIN LATERAL (
               SELECT data_hash, stream_version FROM eventstore.events
                WHERE tenant_id = $1 AND stream_id = guard.stream_id
                  AND stream_version >= guard.stream_version
                ORDER BY stream_version LIMIT 1) AS e ON e.stream_version = guard.stream_version
    ), judged AS (
        SELECT request,
               (array_agg(jsonb_build_object(
                    'request', request, 'sqlstate', 'ES002', 'detail', jsonb_build_object(
                        'event_id', event_id, 'stream_id', stream_id, 'reason', reason,
                        'recorded_in', coalesce(recorded_in, stream_id)))
                    ORDER BY n) FILTER (WHERE reason IS NOT NULL))[1] AS refusal
          FROM compared
         GROUP BY request
        HAVING bool_or(recorded_in IS NOT NULL)
    )
    SELECT jsonb_build_object(
               'taken', false,
               'recorded', coalesce(jsonb_agg(request) FILTER (WHERE refusal IS NULL), '[]'),
               'refusals', coalesce(jsonb_agg(refusal) FILTER (WHERE refusal IS NOT NULL), '[]'))
      FROM judged
$$;
COMMENT ON FUNCTION eventstore.recorded_requests(text, integer[], text[], uuid[], json[]) IS
    'Which requests of a batch are recorded already, and which only partly or otherwise.';

-- Import ----------------------------------------------------------------------------------------

-- Appends a batch of requests as eventstore.append does, with the same checks and the same outcome
-- for each, but from arrays, one element an event, so that there is no JSON to take apart. The
-- arrays up to event_ids are those of append, and so are the facts of the events.
--   tags            for each event NULL, or its tags as an array literal, sorted, no tag twice
-- The answer: outcomes {taken, recorded: [request], refusals: [{request, sqlstate, detail}]}, NULL
-- when all is new and was taken; and the position of the last event that was taken now, NULL for
-- none. When an event of the batch is recorded already, then nothing of it is taken: the outcomes
-- name the requests concerned, and the rest is to be sent again without them.
-- Raises ES003 when the login may not write for the tenant.
CREATE FUNCTION eventstore.import_events(
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
    event_streams  text[];
    event_versions bigint[];
    event_requests integer[];
    event_at       integer := 0;
    refusals       jsonb;
    accepted       integer;
    done           integer;
    lower_bound    bigint;
    moment         timestamptz;
BEGIN
    PERFORM eventstore.begin_append(tenant);
    IF NOT coalesce(events = ALL (ARRAY[
           cardinality(event_types), cardinality(schema_versions), cardinality(retention_classes),
           cardinality(correlation_ids), cardinality(causation_ids), cardinality(agents),
           cardinality(target_agents), cardinality(payloads), cardinality(import_events.metadata),
           cardinality(import_events.occurred_at), cardinality(import_events.tags)]), false) THEN
        RAISE EXCEPTION 'the arrays of events are not all of the same length'
            USING ERRCODE = 'data_exception';
    END IF;

    IF EXISTS (SELECT FROM eventstore.event_ids AS guard
                WHERE guard.tenant_id = tenant
                  AND guard.event_id = ANY (import_events.event_ids)) THEN
        FOR i IN 1..cardinality(append_request) LOOP
            FOR n IN event_at + 1..event_at + append_events[i] LOOP
                event_requests[n] := append_request[i];
                event_streams[n] := stream_ids[append_stream[i]];
            END LOOP;
            event_at := event_at + append_events[i];
        END LOOP;
        outcomes := eventstore.recorded_requests(
            tenant, event_requests, event_streams, event_ids, payloads);
        RETURN;
    END IF;

    -- 1. Move the streams. What was recorded since shows as a refusal, which a repeat explains.
    SELECT d.event_streams, d.event_versions, d.refusals, d.accepted
      INTO event_streams, event_versions, refusals, accepted
      FROM eventstore.decide(tenant, stream_ids, append_request, append_stream,
                             append_expected, append_events, event_ids, NULL) AS d;
    IF refusals IS NOT NULL THEN
        IF refusals @> '[{"sqlstate": "ES002"}]' THEN
            RAISE EXCEPTION 'an event was recorded at the same moment'
                USING ERRCODE = 'serialization_failure', HINT = 'Repeat the same import.';
        END IF;
        outcomes := jsonb_build_object('taken', true, 'recorded', '[]'::jsonb,
                                       'refusals', refusals);
    END IF;
    IF accepted = 0 THEN
        RETURN;
    END IF;

    -- 2. Claim the ids, and 3. register and take the positions, as append does. A unique_violation
    -- says that one was recorded in another stream at the same moment, which a repeat explains.
    IF cardinality(array_remove(tags, NULL)) > 0 THEN
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
    -- Side by side in a SELECT list the arrays are walked through without being put by.
    INSERT INTO eventstore.events (
        position, tenant_id, event_id, stream_id, category, stream_version, event_type,
        schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
        data, data_hash, metadata, occurred_at, recorded_at, tags)
    SELECT nextval('eventstore.events_position_seq'), tenant, e.id, e.stream_id,
           split_part(e.stream_id, '-', 1), e.stream_version, e.event_type,
           e.schema_version, e.correlation_id, e.causation_id, e.agent, e.target_agent,
           e.retention_class, e.data, sha256(convert_to(e.data::text, 'UTF8')), e.metadata,
           coalesce(e.occurred_at, moment), moment, e.tags::text[]
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
    IF cardinality(array_remove(tags, NULL)) > 0 THEN
        INSERT INTO eventstore.event_tags (tenant_id, tag, position, event_type)
        SELECT e.tenant_id, tag, e.position, e.event_type
          FROM eventstore.events AS e, unnest(e.tags) AS tag
         WHERE e.position > lower_bound AND e.position <= last_position
           AND e.tenant_id = tenant AND e.recorded_at = moment
           AND e.event_id = ANY (import_events.event_ids);
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.import_events(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], text[], smallint[], text[],
    uuid[], uuid[], text[], text[], json[], json[], timestamptz[], text[]) IS
    'Appends a batch of thousands of requests from arrays; an outcome for each.';

REVOKE ALL ON FUNCTION
    eventstore.recorded_requests(text, integer[], text[], uuid[], json[]),
    eventstore.import_events(
        text, text[], integer[], integer[], bigint[], integer[], uuid[], text[], smallint[], text[],
        uuid[], uuid[], text[], text[], json[], json[], timestamptz[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.import_events(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], text[], smallint[], text[],
    uuid[], uuid[], text[], text[], json[], json[], timestamptz[], text[]) TO eventstore_appender;
