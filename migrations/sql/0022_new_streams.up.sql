-- Streams are locked and made in one pass, in the order of their ids. Runs as eventstore_owner.
--
-- Those that were there used to be locked first, and then the others made. But what is there changes
-- from one call to the next: a call that held a later stream, and made an earlier one, met another call
-- that had found the earlier one there and waited for the later. Both waited until the server ended one
-- of them, a second later.

-- Locks the streams of a batch, decides each request, and moves the streams of the accepted ones.
CREATE OR REPLACE FUNCTION eventstore.decide(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    OUT event_streams text[], OUT event_versions bigint[],
    OUT positions bigint[], OUT stream_versions bigint[], OUT refusals jsonb, OUT accepted integer
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- a batch of hundreds of streams compares them by hash
AS $$
DECLARE
    appends    integer := cardinality(append_request);
    nothing    bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(event_ids)]);
    versions   bigint[];      -- stream_version of each stream, as the batch proceeds
    closures   timestamptz[]; -- since when each stream is closed, NULL where it is open
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
    there      text[];        -- the streams, NULL for one that neither is there nor is made
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
    -- A single stream is in order anyway, and so are streams that are all there.
    IF cardinality(stream_ids) = 1
       OR (SELECT count(*) FROM eventstore.streams AS kept
            WHERE kept.tenant_id = tenant AND kept.stream_id = ANY (decide.stream_ids))
          = cardinality(stream_ids) THEN
        SELECT l.versions, l.closures INTO versions, closures
          FROM eventstore.lock_streams(tenant, stream_ids) AS l;
    END IF;
    IF versions IS NULL OR array_position(versions, NULL) IS NOT NULL THEN
        -- One that is not there, and that no append may make, counts as not there from here on.
        there := ARRAY(
            SELECT CASE WHEN kept.stream_id IS NOT NULL OR made.stream IS NOT NULL
                        THEN wanted.stream_id END
              FROM unnest(stream_ids) WITH ORDINALITY AS wanted(stream_id, n)
              LEFT JOIN (SELECT k.stream_id FROM eventstore.streams AS k
                          WHERE k.tenant_id = tenant
                            AND k.stream_id = ANY (decide.stream_ids)) AS kept USING (stream_id)
              LEFT JOIN (SELECT DISTINCT a.stream
                           FROM unnest(append_stream, append_expected) AS a(stream, expected)
                          WHERE a.expected IN (-2, 0)) AS made ON made.stream = wanted.n
             ORDER BY wanted.n);
        -- The row of a stream that is there is locked and stays as it is. Blocks while another
        -- transaction holds or makes one of them.
        INSERT INTO eventstore.streams AS kept (tenant_id, stream_id, stream_version)
        SELECT tenant, stream_id, 0 FROM unnest(there) AS stream_id
         WHERE stream_id IS NOT NULL ORDER BY stream_id COLLATE "C"
        ON CONFLICT (tenant_id, stream_id) DO UPDATE SET stream_version = kept.stream_version
         WHERE false;
        SELECT l.versions, l.closures INTO versions, closures
          FROM eventstore.lock_streams(tenant, there) AS l;
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
                IF closures[s] IS NOT NULL THEN
                    refusal := jsonb_build_object('sqlstate', 'ES007', 'detail', jsonb_build_object(
                        'stream_id', stream_ids[s], 'closed_at', closures[s]));
                ELSIF coalesce(versions[s], 0) <> expected AND expected <> -2
                      AND NOT (expected = -1 AND coalesce(versions[s], 0) > 0) THEN
                    refusal := jsonb_build_object('sqlstate', 'ES001', 'detail', jsonb_build_object(
                        'stream_id', stream_ids[s], 'expected', expected,
                        'actual', coalesce(versions[s], 0)));
                END IF;
                IF refusal IS NOT NULL THEN
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

-- One request as eventstore.append takes it, that is recorded only if
--   each of unchanged_streams is still at its stream_version (0: there is none), and
--   each of claims [{scope, value, stream_id}] is free or the stream's own already, and
--   each of conditions, as of eventstore.require_conditions, holds;
-- releases, of the same form, are given up before. A request that is recorded already answers with
-- its first receipt, and changes no claim. Conditions need READ COMMITTED.
--
-- Everything that can wait comes before the positions, which append takes. Raises, so that nothing
-- of it stays, with the facts in DETAIL:
--   ES001 a stream is not where the writer believed; ES002 the event id is another fact;
--   ES003 the login may not write for the tenant; ES004 the isolation level can't judge a condition;
--   ES006 another stream has the value; ES007 the stream is closed; ES008 a condition does not hold.
CREATE OR REPLACE FUNCTION eventstore.append_decided(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    unchanged_streams text[], unchanged_versions bigint[], claims json, releases json,
    conditions json, OUT positions bigint[], OUT stream_versions bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in append
AS $$
#variable_conflict use_column
DECLARE
    refusals jsonb;
    stream   record;
    actual   bigint;
    moved    json;      -- the first stream that is not where the decision found it
    taken    record;
BEGIN
    PERFORM eventstore.begin_append(tenant);

    -- In the order in which append locks streams, whether to write to them or to hold them still. One
    -- that does not exist gets a row to lock, as it must not come into being meanwhile; and one that
    -- is about to gets it here already, because streams are locked before claims and tags. Whoever
    -- writes to the same streams waits here, so that a repeat shows in event_ids.
    FOR stream IN
        SELECT touched.stream_id, touched.expected
          FROM (SELECT own, NULL::bigint FROM unnest(stream_ids) AS own
                UNION ALL
                SELECT * FROM unnest(unchanged_streams, unchanged_versions))
               AS touched(stream_id, expected)
         ORDER BY touched.stream_id COLLATE "C", touched.expected NULLS FIRST
    LOOP
        FOR attempt IN 1..2 LOOP
            IF stream.expected IS NULL THEN
                PERFORM FROM eventstore.streams AS s
                  WHERE s.tenant_id = tenant AND s.stream_id = stream.stream_id FOR UPDATE;
            ELSE
                SELECT s.stream_version INTO actual FROM eventstore.streams AS s
                 WHERE s.tenant_id = tenant AND s.stream_id = stream.stream_id FOR SHARE;
            END IF;
            EXIT WHEN FOUND OR attempt = 2;
            INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
            SELECT tenant, stream.stream_id, 0
             WHERE stream.expected = 0
                OR stream.expected IS NULL AND EXISTS (
                   SELECT FROM unnest(append_stream, append_expected) AS a(number, expected)
                    WHERE stream_ids[a.number] = stream.stream_id AND a.expected IN (-2, 0))
            ON CONFLICT DO NOTHING;
        END LOOP;
        IF coalesce(actual, 0) <> stream.expected AND moved IS NULL THEN
            moved := json_build_object('stream_id', stream.stream_id,
                                       'expected', stream.expected,
                                       'actual', coalesce(actual, 0));
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
        IF json_array_length(conditions) > 0 THEN
            PERFORM eventstore.require_conditions(tenant, conditions, bodies);
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
