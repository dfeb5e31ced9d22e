-- Restores what 0013 and 0010 say.
DROP FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json, json);

-- One request as eventstore.append takes it, that is recorded only if
--   each of unchanged_streams is still at its stream_version (0: there is none), and
--   each of claims [{scope, value, stream_id}] is free or the stream's own already;
-- releases, of the same form, are given up before. A request that is recorded already answers with
-- its first receipt, and changes no claim.
--
-- Everything that can wait comes before the positions, which append takes. Raises, so that nothing
-- of it stays, with the facts in DETAIL:
--   ES001 a stream is not where the writer believed; ES002 the event id is another fact;
--   ES003 the login may not write for the tenant; ES006 another stream has the value.
CREATE FUNCTION eventstore.append_decided(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    unchanged_streams text[], unchanged_versions bigint[], claims json, releases json,
    OUT positions bigint[], OUT stream_versions bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in append
AS $$
#variable_conflict use_column
DECLARE
    caller   text := eventstore.current_tenant();
    refusals jsonb;
    stream   record;
    actual   bigint;
    moved    json;      -- the first stream that is not where the decision found it
    taken    record;
BEGIN
    IF caller IS NULL OR caller NOT IN (tenant, '*') OR tenant = '*' THEN
        RAISE EXCEPTION 'login % may not append for tenant %', session_user, tenant
            USING ERRCODE = 'ES003',
                  DETAIL = json_build_object('login', session_user, 'tenant', tenant)::text,
                  HINT = 'The owner binds logins with eventstore.bind_login.';
    END IF;
    PERFORM set_config('eventstore.acting_tenant', tenant, true);
    IF current_setting('transaction_timeout') = '0' THEN
        PERFORM set_config('transaction_timeout', '60s', true);
    END IF;

    -- A stream that does not exist gets a row to lock: it must not come into being meanwhile.
    INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
    SELECT DISTINCT tenant, u.stream_id, 0
      FROM unnest(unchanged_streams, unchanged_versions) AS u(stream_id, stream_version)
     WHERE u.stream_version = 0
     ORDER BY 2
    ON CONFLICT DO NOTHING;
    -- In the order in which append locks streams, whether to write to them or to hold them still:
    -- two who touch the same ones wait for each other once, and not crosswise. Whoever writes to
    -- the same streams waits here, so that a repeat shows in event_ids.
    FOR stream IN
        SELECT touched.stream_id, touched.expected
          FROM (SELECT own, NULL::bigint FROM unnest(stream_ids) AS own
                UNION ALL
                SELECT * FROM unnest(unchanged_streams, unchanged_versions))
               AS touched(stream_id, expected)
         ORDER BY touched.stream_id COLLATE "C"
    LOOP
        IF stream.expected IS NULL THEN
            PERFORM FROM eventstore.streams AS s
              WHERE s.tenant_id = tenant AND s.stream_id = stream.stream_id FOR UPDATE;
        ELSE
            SELECT s.stream_version INTO actual FROM eventstore.streams AS s
             WHERE s.tenant_id = tenant AND s.stream_id = stream.stream_id FOR SHARE;
            IF coalesce(actual, 0) <> stream.expected AND moved IS NULL THEN
                moved := json_build_object('stream_id', stream.stream_id,
                                           'expected', stream.expected,
                                           'actual', coalesce(actual, 0));
            END IF;
        END IF;
    END LOOP;

    IF NOT EXISTS (SELECT FROM eventstore.event_ids AS guard
                    WHERE guard.tenant_id = tenant
                      AND guard.event_id = ANY (append_decided.event_ids)) THEN
        IF moved IS NOT NULL THEN
            RAISE EXCEPTION 'a stream that the decision rests on has moved'
                USING ERRCODE = 'ES001', DETAIL = moved::text;
        END IF;
        -- What is there already is locked in the order in which the rest is claimed.
        PERFORM FROM eventstore.claims AS c
          WHERE c.tenant_id = tenant
            AND (c.scope, c.value) IN (
                SELECT n.scope, n.value
                  FROM json_to_recordset(append_decided.claims) AS n(scope text, value text)
                UNION ALL
                SELECT r.scope, r.value
                  FROM json_to_recordset(releases) AS r(scope text, value text))
          ORDER BY c.scope, c.value FOR UPDATE;
        DELETE FROM eventstore.claims AS c
         USING json_to_recordset(releases) AS r(scope text, value text, stream_id text)
         WHERE c.tenant_id = tenant AND c.scope = r.scope AND c.value = r.value
           AND c.stream_id = r.stream_id AND c.stream_id = ANY (stream_ids);
        -- Waits for another transaction that claims the same, in an order that all keep.
        INSERT INTO eventstore.claims (tenant_id, scope, value, stream_id)
        SELECT tenant, n.scope, n.value, n.stream_id
          FROM json_to_recordset(append_decided.claims) AS n(scope text, value text, stream_id text)
         ORDER BY n.scope, n.value
        ON CONFLICT DO NOTHING;
        SELECT n.scope, n.value, n.stream_id, c.stream_id AS held_by INTO taken
          FROM json_to_recordset(append_decided.claims) AS n(scope text, value text, stream_id text)
          JOIN eventstore.claims AS c
            ON c.tenant_id = tenant AND c.scope = n.scope AND c.value = n.value
         WHERE c.stream_id <> n.stream_id
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'another stream has the value'
                USING ERRCODE = 'ES006', DETAIL = row_to_json(taken)::text;
        END IF;
    END IF;

    SELECT a.positions, a.stream_versions, a.refusals INTO positions, stream_versions, refusals
      FROM eventstore.append(tenant, stream_ids, append_request, append_stream, append_expected,
                             append_events, event_ids, bodies) AS a;
    IF refusals IS NOT NULL THEN
        RAISE EXCEPTION 'the append is refused'
            USING ERRCODE = refusals #>> '{0,sqlstate}', DETAIL = refusals #>> '{0,detail}';
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json) IS
    'Appends one request if streams that it rests on have not moved and values that it claims are '
    'free.';
REVOKE ALL ON FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json) TO eventstore_appender;

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
--                   d data, m metadata, o occurred_at, x tags (sorted, no tag twice)
-- The answer: for each event its position and stream_version (both NULL where refused), and
-- refusals as [{request, sqlstate, detail}]:
--   ES001 the stream is not where the writer believed; ES002 the event id is another fact;
--   ES007 the stream is closed.
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
    tagged         boolean;
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
            data, data_hash, metadata, occurred_at, recorded_at, tags)
        SELECT nextval('eventstore.events_position_seq'), tenant, event_ids[e.n],
               event_streams[e.n], split_part(event_streams[e.n], '-', 1), event_versions[e.n],
               e.t, e.v, e.k, e.u, e.g, e.h, e.r,
               e.d, sha256(convert_to(e.d::text, 'UTF8')), e.m, coalesce(e.o, moment), moment, e.x
          FROM ROWS FROM (json_to_recordset(bodies) AS (
                   t text, v smallint, k uuid, u uuid, g text, h text, r text,
                   d json, m json, o timestamptz, x text[])
               ) WITH ORDINALITY AS e(t, v, k, u, g, h, r, d, m, o, x, n)
         WHERE event_versions[e.n] IS NOT NULL
           -- The years that a reader's calendar has: another one would stop every reader.
           AND (e.o IS NULL OR e.o >= '0001-01-01 00:00:00+00' AND e.o < '10000-01-01 00:00:00+00')
           AND (e.x IS NULL OR array_ndims(e.x) = 1 AND cardinality(e.x) <= 64
                               AND '' <> ALL (e.x))
        RETURNING events.position, events.tags
    )
    SELECT array_agg(inserted.position), bool_or(inserted.tags IS NOT NULL) INTO taken, tagged
      FROM inserted;
    IF cardinality(taken) IS DISTINCT FROM accepted THEN
        RAISE EXCEPTION 'an event has no body, an occurred_at outside the years 1 to 9999, or '
                        'tags that can''t be'
            USING ERRCODE = 'data_exception';
    END IF;

    IF tagged THEN
        INSERT INTO eventstore.event_tags (tenant_id, tag, position, event_type)
        SELECT e.tenant_id, tag, e.position, e.event_type
          FROM eventstore.events AS e, unnest(e.tags) AS tag
         WHERE e.position = ANY (taken) AND e.recorded_at = moment;
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

DROP FUNCTION eventstore.require_conditions(text, json, json);
DROP FUNCTION eventstore.tagged(text, text[], text[], bigint, bigint, integer);
DROP FUNCTION eventstore.rarest_tag(text, text[], bigint);
DROP FUNCTION eventstore.lock_tags(text, text[], text[]);
DROP TABLE eventstore.tag_gate;
