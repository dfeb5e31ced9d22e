-- Takes back what 0013 added, tags and closures with it; the functions are again as 0001 and 0012
-- made them. Runs as eventstore_owner.
DROP FUNCTION eventstore.append_several(
    text, text, bigint, uuid[], text[], smallint[], text[], json[], uuid, uuid, text, text, json,
    timestamptz, text[]);
DROP FUNCTION eventstore.append_together(
    text, text[], bigint[], uuid[], text[], smallint[], text[], json[], uuid[], uuid[], text[],
    text[], json[], timestamptz[]);
DROP FUNCTION eventstore.begin_append(text);
DROP FUNCTION eventstore.lock_streams(text, text[]);
DROP FUNCTION eventstore.lock_tags(text, text[], text[]);
DROP TABLE eventstore.tag_gate;
DROP TABLE eventstore.event_tags;

-- One call appends a batch of requests and answers each: a request is all or nothing, and one
-- that is refused leaves the others alone. All arrays are 1-based:
--   stream_ids      the distinct streams of the batch, sorted (so that row locks can't deadlock)
--   append_request  for each append, the number of its request; appends of a request are adjacent
--   append_stream   for each append, the index of its stream
--   append_expected for each append: -2 any, -1 stream exists, 0 no stream, n that stream_version
--   append_events   for each append, how many events it has (at least one)
--   event_ids       for each event, in order of the appends, its id (no id twice)
--   bodies          for each event, a JSON object: t event_type, v schema_version,
--                   k correlation_id, u causation_id, g agent, h target_agent, r retention class,
--                   d data, m metadata, o occurred_at
-- The answer: for each event its position and stream_version (both NULL where refused), and
-- refusals as [{request, sqlstate, detail}]:
--   ES001 the stream is not where the writer believed; ES002 the event id is another fact.
-- Raises ES003 when the login may not write for the tenant.
CREATE OR REPLACE FUNCTION eventstore.append(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    OUT positions bigint[], OUT stream_versions bigint[], OUT refusals jsonb
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- plans are kept; one made while the tables were empty must not stay
AS $$
DECLARE
    caller         text;
    event_streams  text[];    -- for each accepted event, its stream and its place there;
    event_versions bigint[];  -- both NULL where it is refused or recorded already
    accepted       integer;
    claimed        integer;
    lower_bound    bigint;
    moment         timestamptz;
    taken          bigint[];
BEGIN
    -- What eventstore.current_tenant says, without the cost of a call.
    SELECT tenant_id INTO caller FROM eventstore.tenant_logins WHERE login = session_user;
    IF caller = '*' THEN
        caller := coalesce(nullif(current_setting('eventstore.tenant', true), ''), tenant);
    END IF;
    IF caller IS DISTINCT FROM tenant OR tenant = '*' THEN
        RAISE EXCEPTION 'login % may not append for tenant %', session_user, tenant
            USING ERRCODE = 'ES003',
                  DETAIL = json_build_object('login', session_user, 'tenant', tenant)::text,
                  HINT = 'The owner binds logins with eventstore.bind_login.';
    END IF;
    caller := set_config('eventstore.acting_tenant', tenant, true);
    -- An acknowledged append is on disk, whatever the session prefers; and one that hangs can't
    -- hold back the watermark for ever.
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        caller := set_config('synchronous_commit', 'on', true);
    END IF;
    IF current_setting('transaction_timeout') = '0' THEN
        caller := set_config('transaction_timeout', '60s', true);
    END IF;

    -- 1. Move the streams, compare-and-set, and hold their locks until the commit.
    SELECT d.event_streams, d.event_versions, d.positions, d.stream_versions, d.refusals,
           d.accepted
      INTO event_streams, event_versions, positions, stream_versions, refusals, accepted
      FROM eventstore.decide(tenant, stream_ids, append_request, append_stream,
                             append_expected, append_events, event_ids, bodies) AS d;
    IF accepted = 0 THEN
        RETURN;
    END IF;

    -- 2. Claim the ids. This can wait for another transaction that claims one elsewhere.
    INSERT INTO eventstore.event_ids (tenant_id, event_id, stream_id, stream_version)
    SELECT tenant, e.id, e.stream_id, e.stream_version
      FROM unnest(event_ids, event_streams, event_versions) AS e(id, stream_id, stream_version)
     WHERE e.stream_version IS NOT NULL
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    IF claimed <> accepted THEN
        RAISE EXCEPTION 'an event id was recorded in another stream at the same moment'
            USING ERRCODE = 'serialization_failure', HINT = 'Repeat the same append.';
    END IF;

    -- 3. Nothing blocks from here on. Register a lower bound of the coming positions, then take
    -- them: a reader that meets this lock reads no further than the bound.
    lower_bound := coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0);
    PERFORM pg_advisory_xact_lock_shared((17750::bigint << 48) | lower_bound);
    moment := clock_timestamp();
    WITH inserted AS (
        INSERT INTO eventstore.events (
            position, tenant_id, event_id, stream_id, category, stream_version, event_type,
            schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
            data, data_hash, metadata, occurred_at, recorded_at)
        SELECT nextval('eventstore.events_position_seq'), tenant, event_ids[e.n],
               event_streams[e.n], split_part(event_streams[e.n], '-', 1), event_versions[e.n],
               e.t, e.v, e.k, e.u, e.g, e.h, e.r,
               e.d, sha256(convert_to(e.d::text, 'UTF8')), e.m, coalesce(e.o, moment), moment
          FROM ROWS FROM (json_to_recordset(bodies) AS (
                   t text, v smallint, k uuid, u uuid, g text, h text, r text,
                   d json, m json, o timestamptz)
               ) WITH ORDINALITY AS e(t, v, k, u, g, h, r, d, m, o, n)
         WHERE event_versions[e.n] IS NOT NULL
           -- The years that a reader's calendar has: another one would stop every reader.
           AND (e.o IS NULL OR e.o >= '0001-01-01 00:00:00+00' AND e.o < '10000-01-01 00:00:00+00')
        RETURNING events.position
    )
    SELECT array_agg(inserted.position) INTO taken FROM inserted;
    IF cardinality(taken) IS DISTINCT FROM accepted THEN
        RAISE EXCEPTION 'an event has no body, or an occurred_at outside the years 1 to 9999'
            USING ERRCODE = 'data_exception';
    END IF;

    -- 4. The answer: what was taken now, in order, beside what was recorded before.
    IF accepted = cardinality(event_ids) THEN
        positions := taken;
        stream_versions := event_versions;
        RETURN;
    END IF;
    claimed := 0;
    FOR i IN 1..cardinality(event_ids) LOOP
        IF event_versions[i] IS NOT NULL THEN
            claimed := claimed + 1;
            positions[i] := taken[claimed];
            stream_versions[i] := event_versions[i];
        END IF;
    END LOOP;
END
$$;

-- The short way of one event: the same facts as scalars, the same guarantees, no arrays, no JSON
-- to take apart (measured: half the processor time of append, a third for a new stream).
-- Answers {position, stream_version}, or NULL with nothing done when the stream is not where the
-- writer believes, or is made by somebody else at this moment. A unique_violation says that the
-- event id is recorded already. Either way append takes the close look and has the answer.
CREATE OR REPLACE FUNCTION eventstore.append_one(
    tenant text, stream_id text, expected bigint, event_id uuid, event_type text,
    schema_version smallint, correlation_id uuid, causation_id uuid, agent text, target_agent text,
    retention_class text, data json, metadata json, occurred_at timestamptz
) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in append
AS $$
#variable_conflict use_column
DECLARE
    caller text;
    moment timestamptz;
    taken  bigint;
    place  bigint;
BEGIN
    -- What append does first, with the reasons there.
    SELECT tenant_id INTO caller FROM eventstore.tenant_logins WHERE login = session_user;
    IF caller = '*' THEN
        caller := coalesce(nullif(current_setting('eventstore.tenant', true), ''), tenant);
    END IF;
    IF caller IS DISTINCT FROM tenant OR tenant = '*' THEN
        RAISE EXCEPTION 'login % may not append for tenant %', session_user, tenant
            USING ERRCODE = 'ES003',
                  DETAIL = json_build_object('login', session_user, 'tenant', tenant)::text,
                  HINT = 'The owner binds logins with eventstore.bind_login.';
    END IF;
    caller := set_config('eventstore.acting_tenant', tenant, true);
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        caller := set_config('synchronous_commit', 'on', true);
    END IF;
    IF current_setting('transaction_timeout') = '0' THEN
        caller := set_config('transaction_timeout', '60s', true);
    END IF;
    IF occurred_at < '0001-01-01 00:00:00+00' OR occurred_at >= '10000-01-01 00:00:00+00' THEN
        RAISE EXCEPTION 'an occurred_at outside the years 1 to 9999'
            USING ERRCODE = 'data_exception';
    END IF;

    IF expected <> 0 THEN
        UPDATE eventstore.streams SET stream_version = stream_version + 1
         WHERE tenant_id = tenant AND stream_id = append_one.stream_id
           AND (expected = -2 OR stream_version = expected OR expected = -1 AND stream_version > 0)
        RETURNING stream_version INTO place;
    END IF;
    IF place IS NULL THEN
        IF expected NOT IN (-2, 0) THEN
            RETURN NULL;
        END IF;
        INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
        VALUES (tenant, append_one.stream_id, 1) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        place := 1;
    END IF;
    INSERT INTO eventstore.event_ids (tenant_id, event_id, stream_id, stream_version)
    VALUES (tenant, append_one.event_id, append_one.stream_id, place);

    -- Registers a lower bound, then takes the position, as append does. An expression, because
    -- PERFORM would be a query; void is never NULL.
    IF pg_advisory_xact_lock_shared((17750::bigint << 48)
           | coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0)) IS NULL THEN
        RETURN NULL;
    END IF;
    taken := nextval('eventstore.events_position_seq');
    moment := clock_timestamp();
    INSERT INTO eventstore.events (
        position, tenant_id, event_id, stream_id, category, stream_version, event_type,
        schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
        data, data_hash, metadata, occurred_at, recorded_at)
    VALUES (
        taken, tenant, append_one.event_id, append_one.stream_id,
        split_part(append_one.stream_id, '-', 1), place, append_one.event_type,
        append_one.schema_version, append_one.correlation_id, append_one.causation_id,
        append_one.agent, append_one.target_agent, append_one.retention_class,
        append_one.data, sha256(convert_to(append_one.data::text, 'UTF8')), append_one.metadata,
        coalesce(append_one.occurred_at, moment), moment);
    RETURN ARRAY[taken, place];
END
$$;
-- Locks the streams of a batch, decides each request, and moves the streams of the accepted ones.
CREATE OR REPLACE FUNCTION eventstore.decide(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    OUT event_streams text[], OUT event_versions bigint[],
    OUT positions bigint[], OUT stream_versions bigint[], OUT refusals jsonb, OUT accepted integer
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- as 0012 has it
AS $$
DECLARE
    appends    integer := cardinality(append_request);
    nothing    bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(event_ids)]);
    versions   bigint[];      -- stream_version of each stream, as the batch proceeds
    known      jsonb;         -- what the guard holds of event_ids, NULL mostly: id -> its place
    hashes     bytea[];       -- of each event's data, when one is known
    first      integer := 1;  -- the current request's first append,
    last       integer;       -- its last one,
    event_at   integer := 0;  -- how many events come before it,
    event_end  integer;       -- and how many until its end
    next       integer;
    s          integer;
    expected   bigint;
    refusal    jsonb;
    recorded   record;
BEGIN
    event_streams := array_fill(NULL::text, ARRAY[cardinality(event_ids)]);
    event_versions := nothing;
    positions := nothing;
    stream_versions := nothing;
    accepted := 0;
    -- A stream that stands twice would take each of its versions twice.
    FOR i IN 2..cardinality(stream_ids) LOOP
        IF stream_ids[i] COLLATE "C" <= stream_ids[i - 1] THEN
            RAISE EXCEPTION 'stream_ids are not distinct and sorted'
                USING ERRCODE = 'data_exception';
        END IF;
    END LOOP;
    versions := eventstore.lock_streams(tenant, stream_ids);
    IF array_position(versions, NULL) IS NOT NULL THEN
        -- Blocks while another transaction makes the same stream; then the row is there to lock.
        INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
        SELECT DISTINCT tenant, stream_ids[a.stream], 0
          FROM unnest(append_stream, append_expected) AS a(stream, expected)
         WHERE a.expected IN (-2, 0) AND versions[a.stream] IS NULL
         ORDER BY 2
        ON CONFLICT DO NOTHING;
        versions := eventstore.lock_streams(tenant, stream_ids);
    END IF;

    -- The locks are held, so a repeat in these streams shows here.
    SELECT jsonb_object_agg(guard.event_id, jsonb_build_object(
               'stream_id', guard.stream_id, 'stream_version', guard.stream_version))
      INTO known
      FROM eventstore.event_ids AS guard
     WHERE guard.tenant_id = tenant AND guard.event_id = ANY (decide.event_ids);
    IF known IS NOT NULL THEN
        SELECT array_agg(sha256(convert_to((b.body -> 'd')::text, 'UTF8')) ORDER BY b.n)
          INTO hashes
          FROM json_array_elements(bodies) WITH ORDINALITY AS b(body, n);
    END IF;

    WHILE first <= appends LOOP
        last := first;
        event_end := event_at + append_events[first];
        WHILE last < appends AND append_request[last + 1] = append_request[first] LOOP
            last := last + 1;
            event_end := event_end + append_events[last];
        END LOOP;
        refusal := NULL;
        IF known IS NOT NULL AND known ?| event_ids[event_at + 1:event_end]::text[] THEN
            recorded := eventstore.repeated(
                tenant, known, event_ids[event_at + 1:event_end],
                (SELECT array_agg(stream_ids[x.stream] ORDER BY x.n)
                   FROM unnest(append_stream[first:last]) WITH ORDINALITY AS x(stream, n)),
                append_events[first:last], hashes[event_at + 1:event_end]);
            refusal := recorded.refusal;
            IF refusal IS NULL THEN
                positions[event_at + 1:event_end] := recorded.positions;
                stream_versions[event_at + 1:event_end] := recorded.stream_versions;
            END IF;
        ELSE
            next := event_at;
            FOR i IN first..last LOOP
                s := append_stream[i];
                expected := append_expected[i];
                IF coalesce(versions[s], 0) <> expected AND expected <> -2
                   AND NOT (expected = -1 AND coalesce(versions[s], 0) > 0) THEN
                    refusal := jsonb_build_object('sqlstate', 'ES001', 'detail', jsonb_build_object(
                        'stream_id', stream_ids[s], 'expected', expected,
                        'actual', coalesce(versions[s], 0)));
                    -- Nothing of this request stays: give back what its earlier appends took.
                    FOR j IN first..i - 1 LOOP
                        s := append_stream[j];
                        versions[s] := versions[s] - append_events[j];
                    END LOOP;
                    event_versions[event_at + 1:event_end] := nothing[event_at + 1:event_end];
                    EXIT;
                END IF;
                FOR n IN 1..append_events[i] LOOP
                    next := next + 1;
                    event_streams[next] := stream_ids[s];
                    event_versions[next] := versions[s] + n;
                END LOOP;
                versions[s] := versions[s] + append_events[i];
            END LOOP;
            IF refusal IS NULL THEN
                accepted := accepted + event_end - event_at;
            END IF;
        END IF;
        IF refusal IS NOT NULL THEN
            refusals := coalesce(refusals, '[]')
                        || (refusal || jsonb_build_object('request', append_request[first]));
        END IF;
        event_at := event_end;
        first := last + 1;
    END LOOP;

    IF event_at IS DISTINCT FROM cardinality(event_ids) THEN
        RAISE EXCEPTION '% events in the appends, % event_ids', event_at, cardinality(event_ids)
            USING ERRCODE = 'data_exception';
    END IF;
    IF accepted > 0 THEN
        UPDATE eventstore.streams SET stream_version = v.stream_version
          FROM unnest(stream_ids, versions) AS v(stream_id, stream_version)
         WHERE streams.tenant_id = tenant AND streams.stream_id = v.stream_id
           -- Says the same again, for the planner: it must not read all streams of the tenant.
           AND streams.stream_id = ANY (decide.stream_ids)
           AND streams.stream_version <> v.stream_version;
    END IF;
END
$$;
CREATE FUNCTION eventstore.lock_streams(tenant text, stream_ids text[]) RETURNS bigint[]
LANGUAGE sql SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
    WITH locked AS MATERIALIZED (
        SELECT stream_id, stream_version FROM eventstore.streams
         WHERE tenant_id = $1 AND stream_id = ANY ($2)
         ORDER BY stream_id FOR UPDATE
    )
    SELECT array_agg(locked.stream_version ORDER BY wanted.ordinal)
      FROM unnest($2) WITH ORDINALITY AS wanted(stream_id, ordinal)
      LEFT JOIN locked USING (stream_id)
$$;
COMMENT ON FUNCTION eventstore.lock_streams(text, text[]) IS
    'Locks the rows of streams in order of their ids; returns their stream_versions, NULL for none.';
REVOKE ALL ON FUNCTION eventstore.lock_streams(text, text[]) FROM PUBLIC;

ALTER TABLE eventstore.streams DROP COLUMN closed_at;
ALTER TABLE eventstore.events DROP COLUMN tags;
DO $$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN SELECT oid FROM pg_class
                 WHERE relnamespace = 'eventstore'::regnamespace AND relkind = 'r'
                   AND NOT relispartition
                   AND relname ~ '^events_(conversation|decision|work|audit)_[0-9]{4}_[0-9]{2}$'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP COLUMN IF EXISTS tags', leaf);
    END LOOP;
END
$$;
