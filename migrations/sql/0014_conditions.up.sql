-- Appends on condition: nothing is recorded when there is an event that must not be there. And
-- reading by tags. Runs as eventstore_owner.

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
    eventstore.tagged(text, text[], text[], bigint, bigint, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    eventstore.rarest_tag(text, text[], bigint),
    eventstore.tagged(text, text[], text[], bigint, bigint, integer)
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;

-- conditions is [{after, query: [{types, tags}]}]: for no item of a query may there be an event of
-- one of the types (null: of any), with all of the tags, and with a position above after.
-- The locks come first, in statements of their own: the look has a newer snapshot, in which whoever
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
        IF item.after IS NULL OR items > 64 OR array_ndims(item.tags) IS DISTINCT FROM 1
           OR array_position(item.tags, NULL) IS NOT NULL THEN
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
    refusals jsonb;
    stream   record;
    actual   bigint;
    missing  boolean;   -- whether one of the streams has no row
    moved    json;      -- the first stream that is not where the decision found it
    taken    record;
BEGIN
    PERFORM eventstore.begin_append(tenant);

    -- In the order in which append locks streams, whether to write to them or to hold them still:
    -- two who touch the same ones wait for each other once, and not crosswise. First those that are
    -- there; then one that does not exist gets a row to lock, as it must not come into being
    -- meanwhile, and one that is about to gets it here already, because streams are locked before
    -- claims and tags. Whoever writes to the same streams waits here, so that a repeat shows in
    -- event_ids.
    FOR attempt IN 1..2 LOOP
        missing := false;
        moved := NULL;
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
                missing := missing OR NOT FOUND;
            ELSE
                SELECT s.stream_version INTO actual FROM eventstore.streams AS s
                 WHERE s.tenant_id = tenant AND s.stream_id = stream.stream_id FOR SHARE;
                missing := missing OR NOT FOUND;
                IF coalesce(actual, 0) <> stream.expected AND moved IS NULL THEN
                    moved := json_build_object('stream_id', stream.stream_id,
                                               'expected', stream.expected,
                                               'actual', coalesce(actual, 0));
                END IF;
            END IF;
        END LOOP;
        EXIT WHEN NOT missing OR attempt = 2;
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
