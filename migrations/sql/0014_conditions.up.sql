-- Appends on condition: nothing is recorded when there is an event that must not be there. And
-- reading by tags. Runs as eventstore_owner.

-- Who waits for whom ---------------------------------------------------------------------------

CREATE TABLE eventstore.tag_gate (tenant_id text COLLATE "C" NOT NULL);
COMMENT ON TABLE eventstore.tag_gate IS
    'Always empty. Conditions lock it in SHARE mode, appends with more tags than the server has '
    'locks for in ROW EXCLUSIVE mode: so many of either go on at once, but not both.';
COMMENT ON COLUMN eventstore.tag_gate.tenant_id IS 'For row security, which every table has.';
SELECT eventstore.protect_tenants('eventstore.tag_gate');

-- An append holds its tags shared, a condition one tag of each item of its query exclusively: an
-- event that the item means has that tag too. In the order of the keys, whoever asks, so that they
-- wait for each other once, and not crosswise; after the rows of the streams, and before positions
-- are taken. The keys begin with a number of their own, so that no reader takes one for the lower
-- bound of an append. Two tags with one key only wait for each other without need.
-- Mostly in expressions: a query, however small, costs more than some locks.
CREATE FUNCTION eventstore.lock_tags(tenant text, shared text[], exclusive text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The server has room for so many locks of each transaction, on the average.
    many   boolean := coalesce(cardinality(shared), 0)
                          > current_setting('max_locks_per_transaction')::integer;
    seed   bigint := hashtext(tenant COLLATE "C");
    tag    text;
    key    bigint;
    keys   bigint[] := '{}';
    sorted bigint[];
    alone  integer;   -- how many of the keys, from the first on, are exclusive
BEGIN
    IF many AND exclusive <> '{}' THEN
        LOCK TABLE eventstore.tag_gate IN SHARE ROW EXCLUSIVE MODE;
    ELSIF many THEN
        LOCK TABLE eventstore.tag_gate IN ROW EXCLUSIVE MODE;
    ELSIF exclusive <> '{}' THEN
        LOCK TABLE eventstore.tag_gate IN SHARE MODE;
    END IF;
    alone := cardinality(exclusive);
    IF NOT many THEN
        exclusive := exclusive || shared;
    END IF;
    FOREACH tag IN ARRAY exclusive LOOP
        keys := keys || (17753::bigint << 48
                         | hashtextextended(tag COLLATE "C", seed) & ((1::bigint << 48) - 1));
    END LOOP;
    sorted := keys;
    IF cardinality(keys) > 1 THEN
        sorted := ARRAY(SELECT DISTINCT k FROM unnest(keys) AS k ORDER BY k);
    END IF;
    FOREACH key IN ARRAY sorted LOOP
        -- void is never NULL.
        IF array_position(keys, key) <= alone THEN
            IF pg_advisory_xact_lock(key) IS NULL THEN RETURN; END IF;
        ELSIF pg_advisory_xact_lock_shared(key) IS NULL THEN
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.lock_tags(text, text[], text[]) IS
    'Holds tags until the commit: shared for events that have them, exclusive for conditions.';

-- Which events are meant -----------------------------------------------------------------------

CREATE FUNCTION eventstore.rarest_tag(tenant text, tags text[], after bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    IF cardinality(tags) = 1 THEN
        RETURN tags[1];
    END IF;
    RETURN (SELECT one FROM unnest(tags) AS one
             ORDER BY (SELECT count(*) FROM (
                           SELECT FROM eventstore.event_tags AS t
                            WHERE t.tenant_id = tenant AND t.tag = one AND t.position > after
                            LIMIT 1000) AS counted),
                      one
             LIMIT 1);
END
$$;
COMMENT ON FUNCTION eventstore.rarest_tag(text, text[], bigint) IS
    'Of several tags the one with the fewest events above a position, as far as a thousand tell.';

CREATE FUNCTION eventstore.tagged(
    tenant text, types text[], tags text[], after bigint, until bigint, at_most integer
) RETURNS TABLE ("position" bigint, event_type varchar)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in append
AS $$
#variable_conflict use_column
DECLARE
    rarest text := eventstore.rarest_tag(tenant, tags, after);
BEGIN
    RETURN QUERY
    SELECT t.position, t.event_type
      FROM eventstore.event_tags AS t
     WHERE t.tenant_id = tenant AND t.tag = rarest AND t.position > after AND t.position <= until
       AND (types IS NULL OR t.event_type = ANY (types))
       AND (cardinality(tags) = 1 OR NOT EXISTS (
               SELECT FROM unnest(tags) AS other
                WHERE other <> rarest AND NOT EXISTS (
                      SELECT FROM eventstore.event_tags AS o
                       WHERE o.tenant_id = tenant AND o.tag = other
                         AND o.position = t.position)))
     ORDER BY t.position
     LIMIT at_most;
END
$$;
COMMENT ON FUNCTION eventstore.tagged(text, text[], text[], bigint, bigint, integer) IS
    'The first events, after a position and until another, of one of some types (NULL: of any) '
    'that have all of some tags; found by the rarest of them.';
REVOKE ALL ON FUNCTION
    eventstore.rarest_tag(text, text[], bigint),
    eventstore.tagged(text, text[], text[], bigint, bigint, integer),
    eventstore.lock_tags(text, text[], text[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    eventstore.rarest_tag(text, text[], bigint),
    eventstore.tagged(text, text[], text[], bigint, bigint, integer)
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;

-- conditions is [{after, query: [{types, tags}]}]: for no item of a query may there be an event of
-- one of the types (null: of any), with all of the tags, and with a position above after.
-- The locks come first, in a statement of their own: the look has a newer snapshot, in which whoever
-- held one of the tags has either committed or will append after this transaction.
CREATE FUNCTION eventstore.require_conditions(tenant text, conditions json, bodies json)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item   record;
    items  integer := 0;
    rarest text[] := '{}';
    there  record;
    failed bigint;             -- the first condition that does not hold,
    first  bigint;             -- and of its events the first one
    kind   text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a condition needs READ COMMITTED, this transaction is %',
                upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'ES004', HINT = 'Append in a transaction of its own.';
    END IF;
    FOR item IN
        SELECT c.after, i.tags
          FROM json_to_recordset(conditions) AS c(after bigint, query json)
               LEFT JOIN json_to_recordset(c.query) AS i(tags text[]) ON true
    LOOP
        items := items + 1;
        IF item.after IS NULL OR coalesce(cardinality(item.tags), 0) = 0 OR items > 64 THEN
            RAISE EXCEPTION 'a condition lacks its after, or an item a tag, or there are over 64'
                USING ERRCODE = 'data_exception';
        END IF;
        rarest := rarest || eventstore.rarest_tag(tenant, item.tags, item.after);
    END LOOP;
    PERFORM eventstore.lock_tags(
        tenant, (SELECT array_agg(DISTINCT tag)
                   FROM json_to_recordset(bodies) AS e(x text[]), unnest(e.x) AS tag), rarest);
    FOR item IN
        SELECT c.n - 1 AS condition, c.after, i.types, i.tags
          FROM ROWS FROM (json_to_recordset(conditions) AS (after bigint, query json))
               WITH ORDINALITY AS c(after, query, n),
               json_to_recordset(c.query) AS i(types text[], tags text[])
         ORDER BY c.n
    LOOP
        EXIT WHEN failed < item.condition;
        SELECT t.position, t.event_type INTO there
          FROM eventstore.tagged(
               tenant, item.types, item.tags, item.after, 9223372036854775807, 1) AS t;
        IF there.position < first OR failed IS NULL AND there.position IS NOT NULL THEN
            failed := item.condition;
            first := there.position;
            kind := there.event_type;
        END IF;
    END LOOP;
    IF failed IS NOT NULL THEN
        RAISE EXCEPTION 'there is an event that must not be there'
            USING ERRCODE = 'ES008',
                  DETAIL = json_build_object('condition', failed, 'position', first,
                                             'event_type', kind)::text;
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.require_conditions(text, json, json) IS
    'Holds off appends of events that one of the conditions excludes, and raises when there are.';
REVOKE ALL ON FUNCTION eventstore.require_conditions(text, json, json) FROM PUBLIC;

-- Appending ------------------------------------------------------------------------------------

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
    held           boolean;   -- whether the locks of tags were taken
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

    -- 2. Whoever has a condition on one of the tags waits for the commit, or is waited for. Most
    -- batches have no tags, so the key is looked for in the text first.
    held := strpos(bodies::text, '"x"') > 0;
    IF held THEN
        PERFORM eventstore.lock_tags(
            tenant, (SELECT array_agg(DISTINCT tag)
                       FROM json_to_recordset(bodies) AS e(x text[]), unnest(e.x) AS tag), '{}');
    END IF;

    -- 3. Claim the ids. This can wait for another transaction that claims one elsewhere.
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

    -- 4. Nothing blocks from here on. Register a lower bound of the coming positions, then take
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
    IF cardinality(taken) IS DISTINCT FROM accepted OR tagged AND NOT held THEN
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

    -- 5. The answer: what was taken now, in order, beside what was recorded before.
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

DROP FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json);
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
CREATE FUNCTION eventstore.append_decided(
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

    -- A stream that does not exist gets a row to lock: it must not come into being meanwhile. One
    -- that is about to gets it here already, because streams are locked before claims and tags.
    INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
    SELECT tenant, u.stream_id, 0
      FROM unnest(unchanged_streams, unchanged_versions) AS u(stream_id, stream_version)
     WHERE u.stream_version = 0
     UNION
    SELECT tenant, stream_ids[a.stream], 0
      FROM unnest(append_stream, append_expected) AS a(stream, expected)
     WHERE a.expected IN (-2, 0)
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
COMMENT ON FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json, json) IS
    'Appends one request if streams that it rests on have not moved, values that it claims are '
    'free, and there are no events that must not be there.';
REVOKE ALL ON FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json, json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json, json) TO eventstore_appender;
