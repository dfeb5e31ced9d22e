-- The former texts.
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

    -- The second time, streams that did not exist have a row to lock.
    FOR attempt IN 1..2 LOOP
        WITH locked AS MATERIALIZED (
            SELECT s.stream_id, s.stream_version, s.closed_at FROM eventstore.streams AS s
             WHERE s.tenant_id = tenant AND s.stream_id = ANY (stream_ids)
             ORDER BY s.stream_id FOR UPDATE
        ), placed AS (
            SELECT e.n, e.expected, l.closed_at, l.stream_version
                   + row_number() OVER (PARTITION BY e.stream_id ORDER BY e.n) AS stream_version
              FROM unnest(stream_ids, append_together.expected)
                   WITH ORDINALITY AS e(stream_id, expected, n)
              LEFT JOIN locked AS l USING (stream_id)
        )
        SELECT array_agg(p.stream_version ORDER BY p.n),
               bool_and(p.stream_version IS NOT NULL AND p.closed_at IS NULL
                        AND (p.expected IS NULL OR p.expected = -2
                             OR p.expected = p.stream_version - 1
                             OR p.expected = -1 AND p.stream_version > 1))
          INTO versions, fits FROM placed AS p;
        EXIT WHEN fits;
        IF attempt = 2 OR array_position(versions, NULL) IS NULL THEN
            RETURN NULL;
        END IF;
        -- Blocks while another transaction makes the same stream.
        INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
        SELECT DISTINCT tenant, e.stream_id, 0
          FROM unnest(stream_ids, append_together.expected, versions)
               AS e(stream_id, expected, stream_version)
         WHERE e.stream_version IS NULL AND e.expected IN (-2, 0)
         ORDER BY 2
        ON CONFLICT DO NOTHING;
    END LOOP;
    UPDATE eventstore.streams AS s SET stream_version = s.stream_version + e.events
      FROM (SELECT stream_id, count(*) AS events
              FROM unnest(stream_ids) AS stream_id GROUP BY 1) AS e
     WHERE s.tenant_id = tenant AND s.stream_id = e.stream_id
       AND s.stream_id = ANY (stream_ids);  -- says the same again, for the planner
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
