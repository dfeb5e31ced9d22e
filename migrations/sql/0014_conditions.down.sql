-- append_decided is again as 0010 made it. Runs as eventstore_owner.
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
DROP FUNCTION eventstore.require_conditions(text, json, json);
DROP FUNCTION eventstore.tagged(text, text[], text[], bigint, bigint, integer);
DROP FUNCTION eventstore.rarest_tag(text, text[], bigint);
