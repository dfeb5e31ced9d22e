-- Named subscriptions whose state is in the store: each event of a filter is delivered at least
-- once to one of several competing consumers, those of a stream in order. Runs as
-- eventstore_owner; the role eventstore_subscriber comes from the bootstrap.
--
-- The log is read once, in order: up to read_position every event of the filter is either settled
-- or has a row in deliveries. Its row goes when it is acknowledged or discarded, and not before.

-- The tables -----------------------------------------------------------------------------------

CREATE TABLE eventstore.subscriptions (
    tenant_id      varchar(128) COLLATE "C" NOT NULL,
    name           varchar(128) COLLATE "C" NOT NULL CHECK (length(name) > 0),
    event_types    text[] COLLATE "C",
    categories     text[] COLLATE "C",
    correlation_id uuid,
    tags           text[] COLLATE "C",
    after_parked   text COLLATE "C" NOT NULL CHECK (after_parked IN ('wait', 'pass')),
    max_attempts   integer NOT NULL CHECK (max_attempts BETWEEN 1 AND 1000),
    retry_seconds  double precision NOT NULL CHECK (retry_seconds BETWEEN 0 AND 3600),
    lease_seconds  double precision NOT NULL CHECK (lease_seconds BETWEEN 1 AND 3600),
    max_unsettled  integer NOT NULL CHECK (max_unsettled BETWEEN 1 AND 1000000),
    start_position bigint NOT NULL CHECK (start_position >= 0),
    read_position  bigint NOT NULL,
    checkpoint     bigint NOT NULL CHECK (checkpoint <= read_position),
    moved_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by     text COLLATE "C" NOT NULL DEFAULT session_user,
    PRIMARY KEY (tenant_id, name)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE eventstore.subscriptions IS
    'Named subscriptions: which events they deliver, by which rules, and how far they are.';
COMMENT ON COLUMN eventstore.subscriptions.tenant_id IS 'The tenant whose events it delivers.';
COMMENT ON COLUMN eventstore.subscriptions.name IS 'Its name, unique within the tenant.';
COMMENT ON COLUMN eventstore.subscriptions.event_types IS 'Only these types; NULL for all.';
COMMENT ON COLUMN eventstore.subscriptions.categories IS 'Only these categories; NULL for all.';
COMMENT ON COLUMN eventstore.subscriptions.correlation_id IS 'Only this run; NULL for all.';
COMMENT ON COLUMN eventstore.subscriptions.tags IS
    'Only events that have all of these tags; NULL for all events.';
COMMENT ON COLUMN eventstore.subscriptions.after_parked IS
    'What becomes of later events of a stream that has a parked one: they wait behind it, or pass.';
COMMENT ON COLUMN eventstore.subscriptions.max_attempts IS
    'An event that failed so often is parked.';
COMMENT ON COLUMN eventstore.subscriptions.retry_seconds IS
    'The pause before the second attempt; it doubles with each further one, up to an hour.';
COMMENT ON COLUMN eventstore.subscriptions.lease_seconds IS
    'A consumer without a sign of life for so long has lost what it holds.';
COMMENT ON COLUMN eventstore.subscriptions.max_unsettled IS
    'With so many unsettled deliveries no further events are read.';
COMMENT ON COLUMN eventstore.subscriptions.start_position IS
    'It delivers what is after this position.';
COMMENT ON COLUMN eventstore.subscriptions.read_position IS
    'Up to here, every event of the filter is settled or in deliveries.';
COMMENT ON COLUMN eventstore.subscriptions.checkpoint IS
    'Up to here, every event of the filter is settled: acknowledged or discarded.';
COMMENT ON COLUMN eventstore.subscriptions.moved_at IS 'When one of the two was last written.';
COMMENT ON COLUMN eventstore.subscriptions.created_at IS 'When it was created.';
COMMENT ON COLUMN eventstore.subscriptions.created_by IS 'The login that created it.';

-- One for all subscriptions: one that is dropped and made anew does not begin again with tokens that
-- consumers of the old one still have.
CREATE SEQUENCE eventstore.subscription_tokens;
COMMENT ON SEQUENCE eventstore.subscription_tokens IS 'The fencing tokens of consumers.';

CREATE TABLE eventstore.subscription_consumers (
    tenant_id    varchar(128) COLLATE "C" NOT NULL,
    subscription varchar(128) COLLATE "C" NOT NULL,
    token        bigint NOT NULL,
    consumer     varchar(255) COLLATE "C" NOT NULL,
    joined_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, subscription, token)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE eventstore.subscription_consumers IS
    'The leases of consumers. Without its row a consumer can settle nothing any more.';
COMMENT ON COLUMN eventstore.subscription_consumers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN eventstore.subscription_consumers.subscription IS 'What it consumes.';
COMMENT ON COLUMN eventstore.subscription_consumers.token IS
    'Its fencing token, which no other consumer ever had.';
COMMENT ON COLUMN eventstore.subscription_consumers.consumer IS
    'Who it is: host, process and a random part, or what it calls itself.';
COMMENT ON COLUMN eventstore.subscription_consumers.joined_at IS 'When it joined.';
COMMENT ON COLUMN eventstore.subscription_consumers.heartbeat_at IS
    'Last sign of life, by the clock of the database.';

CREATE TABLE eventstore.deliveries (
    tenant_id    varchar(128) COLLATE "C" NOT NULL,
    subscription varchar(128) COLLATE "C" NOT NULL,
    position     bigint NOT NULL,
    stream_id    varchar(255) COLLATE "C" NOT NULL,
    held_by      bigint,
    behind       bigint,
    attempts     integer NOT NULL DEFAULT 0,
    lost         integer NOT NULL DEFAULT 0,
    next_at      timestamptz,
    error        text,
    PRIMARY KEY (tenant_id, subscription, position)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE eventstore.deliveries IS
    'The events of subscriptions that were read from the log and are not settled. Held by a '
    'consumer, waiting for one, or parked.';
COMMENT ON COLUMN eventstore.deliveries.tenant_id IS 'The tenant.';
COMMENT ON COLUMN eventstore.deliveries.subscription IS 'The subscription that delivers it.';
COMMENT ON COLUMN eventstore.deliveries.position IS 'The event''s place in the log.';
COMMENT ON COLUMN eventstore.deliveries.stream_id IS 'Its stream, within which order is kept.';
COMMENT ON COLUMN eventstore.deliveries.held_by IS
    'Token of the consumer that has it; NULL while nobody does.';
COMMENT ON COLUMN eventstore.deliveries.behind IS
    'Its own position when it is parked; that of the parked event of its stream that it waits for.';
COMMENT ON COLUMN eventstore.deliveries.attempts IS 'How often its handling failed.';
COMMENT ON COLUMN eventstore.deliveries.lost IS
    'How often a consumer was lost that held it; such an event is then given out alone.';
COMMENT ON COLUMN eventstore.deliveries.next_at IS 'Not to be delivered before.';
COMMENT ON COLUMN eventstore.deliveries.error IS 'Why the last attempt failed.';
CREATE INDEX deliveries_waiting ON eventstore.deliveries (tenant_id, subscription, position)
    WHERE held_by IS NULL AND behind IS NULL;
COMMENT ON INDEX eventstore.deliveries_waiting IS 'What can be claimed, in order.';
CREATE INDEX deliveries_stream
    ON eventstore.deliveries (tenant_id, subscription, stream_id, position);
COMMENT ON INDEX eventstore.deliveries_stream IS 'What of a stream is not settled, in order.';

CREATE TABLE eventstore.parked (
    tenant_id    varchar(128) COLLATE "C" NOT NULL,
    subscription varchar(128) COLLATE "C" NOT NULL,
    position     bigint NOT NULL,
    parked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    parked_by    text COLLATE "C" NOT NULL,
    reason       text NOT NULL,
    error        text,
    attempts     integer NOT NULL,
    resolution   text COLLATE "C" CHECK (resolution IN ('retried', 'discarded')),
    resolved_at  timestamptz,
    resolved_by  text COLLATE "C",
    remark       text,
    PRIMARY KEY (tenant_id, subscription, position, parked_at),
    CHECK ((resolution IS NULL) = (resolved_at IS NULL))
);
COMMENT ON TABLE eventstore.parked IS
    'Every time that a subscription set an event aside, why, and what became of it.';
COMMENT ON COLUMN eventstore.parked.tenant_id IS 'The tenant.';
COMMENT ON COLUMN eventstore.parked.subscription IS 'The subscription.';
COMMENT ON COLUMN eventstore.parked.position IS 'The event''s place in the log.';
COMMENT ON COLUMN eventstore.parked.parked_at IS 'When it was set aside.';
COMMENT ON COLUMN eventstore.parked.parked_by IS 'The consumer that had it.';
COMMENT ON COLUMN eventstore.parked.reason IS 'Why, in a line.';
COMMENT ON COLUMN eventstore.parked.error IS 'The traceback, or what the command said.';
COMMENT ON COLUMN eventstore.parked.attempts IS 'How often it had been tried.';
COMMENT ON COLUMN eventstore.parked.resolution IS
    'What became of it: retried or discarded; NULL while it is parked.';
COMMENT ON COLUMN eventstore.parked.resolved_at IS 'When that was decided.';
COMMENT ON COLUMN eventstore.parked.resolved_by IS 'Who decided it.';
COMMENT ON COLUMN eventstore.parked.remark IS 'Why, for one that was discarded.';

DO $$
DECLARE
    relation regclass;
BEGIN
    FOREACH relation IN ARRAY ARRAY[
        'eventstore.subscriptions', 'eventstore.subscription_consumers', 'eventstore.deliveries',
        'eventstore.parked']::regclass[]
    LOOP
        PERFORM eventstore.protect_tenants(relation);
        EXECUTE format('GRANT SELECT ON %s TO eventstore_auditor', relation);
    END LOOP;
END
$$;

-- Acting -----------------------------------------------------------------------------------------

-- For a crash of the server loses at most its last moments, which are then delivered again.
CREATE FUNCTION eventstore.act_as_subscriber(tenant text, lazily boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller text := eventstore.current_tenant();
BEGIN
    IF tenant IS NULL OR tenant = '*' OR caller IS NULL OR caller NOT IN (tenant, '*') THEN
        RAISE EXCEPTION 'login % may not consume for tenant %', session_user, tenant
            USING ERRCODE = 'ES003', HINT = 'The owner binds logins with eventstore.bind_login.';
    END IF;
    PERFORM set_config('eventstore.acting_tenant', tenant, true);
    IF lazily THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    -- Whoever is stopped in the middle does not keep the subscription locked for long.
    PERFORM set_config('transaction_timeout', '10s', true);
END
$$;
COMMENT ON FUNCTION eventstore.act_as_subscriber(text, boolean) IS
    'Checks that the login may consume for a tenant, and bounds its transaction; raises ES003.';

CREATE FUNCTION eventstore.lock_subscription(tenant text, sub text)
RETURNS eventstore.subscriptions
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_one eventstore.subscriptions;
BEGIN
    SELECT * INTO found_one FROM eventstore.subscriptions AS s
     WHERE s.tenant_id = tenant AND s.name = sub FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no subscription %', sub USING ERRCODE = 'ES021';
    END IF;
    RETURN found_one;
END
$$;
COMMENT ON FUNCTION eventstore.lock_subscription(text, text) IS
    'The row of a subscription, locked; raises ES021 when there is none.';

-- A token that has no row is that of a consumer whose lease was lost.
CREATE FUNCTION eventstore.give_sign_of_life(tenant text, sub text, mine bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE eventstore.subscription_consumers AS c SET heartbeat_at = clock_timestamp()
     WHERE c.tenant_id = tenant AND c.subscription = sub AND c.token = mine;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of token % on subscription % is lost', mine, sub
            USING ERRCODE = 'ES022';
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.give_sign_of_life(text, text, bigint) IS
    'Renews a lease, and keeps it until the transaction ends; raises ES022 when it is lost.';

-- Making and ending --------------------------------------------------------------------------------

CREATE FUNCTION eventstore.create_subscription(
    tenant text, sub text, event_types text[], categories text[], correlation_id uuid, tags text[],
    after_parked text, max_attempts integer, retry_seconds double precision,
    lease_seconds double precision, max_unsettled integer, start_position bigint
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    start bigint;
BEGIN
    PERFORM eventstore.act_as_subscriber(tenant, false);
    start := coalesce(start_position, eventstore.watermark());
    INSERT INTO eventstore.subscriptions AS s (
        tenant_id, name, event_types, categories, correlation_id, tags, after_parked,
        max_attempts, retry_seconds, lease_seconds, max_unsettled, start_position, read_position,
        checkpoint)
    VALUES (tenant, sub, event_types, categories, correlation_id, tags, after_parked,
            max_attempts, retry_seconds, lease_seconds, max_unsettled, start, start, start)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN true;
    END IF;
    PERFORM FROM eventstore.subscriptions AS s
      WHERE s.tenant_id = tenant AND s.name = sub
        AND (s.event_types, s.categories, s.correlation_id, s.tags, s.after_parked,
             s.max_attempts, s.retry_seconds, s.lease_seconds, s.max_unsettled)
            IS NOT DISTINCT FROM
            (event_types, categories, correlation_id, tags, after_parked,
             max_attempts, retry_seconds, lease_seconds, max_unsettled);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'subscription % is there already, with other settings', sub
            USING ERRCODE = 'ES023';
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION eventstore.create_subscription(
    text, text, text[], text[], uuid, text[], text, integer, double precision, double precision,
    integer, bigint) IS
    'Creates a subscription; false when an equal one is there, ES023 when another one is. Without '
    'a start_position it delivers what comes from now on.';

CREATE FUNCTION eventstore.drop_subscription(tenant text, sub text, forced boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s         eventstore.subscriptions;
    consumers bigint;
    parked    bigint;
BEGIN
    PERFORM eventstore.act_as_subscriber(tenant, false);
    s := eventstore.lock_subscription(tenant, sub);
    SELECT count(*) INTO consumers FROM eventstore.subscription_consumers AS c
     WHERE c.tenant_id = tenant AND c.subscription = sub
       AND c.heartbeat_at > clock_timestamp() - make_interval(secs => s.lease_seconds);
    SELECT count(*) INTO parked FROM eventstore.deliveries AS d
     WHERE d.tenant_id = tenant AND d.subscription = sub AND d.behind = d.position;
    IF NOT forced AND consumers + parked > 0 THEN
        RAISE EXCEPTION 'subscription % has % consumers and % parked events',
                sub, consumers, parked
            USING ERRCODE = 'ES024',
                  DETAIL = json_build_object('consumers', consumers, 'parked', parked)::text;
    END IF;
    DELETE FROM eventstore.subscription_consumers AS c
     WHERE c.tenant_id = tenant AND c.subscription = sub;
    DELETE FROM eventstore.deliveries AS d WHERE d.tenant_id = tenant AND d.subscription = sub;
    DELETE FROM eventstore.parked AS p WHERE p.tenant_id = tenant AND p.subscription = sub;
    DELETE FROM eventstore.subscriptions AS x WHERE x.tenant_id = tenant AND x.name = sub;
END
$$;
COMMENT ON FUNCTION eventstore.drop_subscription(text, text, boolean) IS
    'Removes a subscription and its state; ES024 when it is in use or has parked events, unless '
    'it is forced.';

CREATE FUNCTION eventstore.join_subscription(
    tenant text, sub text, consumer text, OUT token bigint, OUT lease_seconds double precision
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    s eventstore.subscriptions;
BEGIN
    -- Not lazily: after a crash of the server nobody may get a token that somebody had before.
    PERFORM eventstore.act_as_subscriber(tenant, false);
    s := eventstore.lock_subscription(tenant, sub);
    token := nextval('eventstore.subscription_tokens');
    lease_seconds := s.lease_seconds;
    INSERT INTO eventstore.subscription_consumers (tenant_id, subscription, token, consumer)
    VALUES (tenant, sub, token, consumer);
END
$$;
COMMENT ON FUNCTION eventstore.join_subscription(text, text, text) IS
    'Gives a consumer a lease and a fencing token of its own.';

-- Giving back ------------------------------------------------------------------------------------

CREATE FUNCTION eventstore.leave_subscription(tenant text, sub text, mine bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM eventstore.act_as_subscriber(tenant, true);
    -- First, as everywhere: who takes over from a lost consumer has locked this row as well.
    DELETE FROM eventstore.subscription_consumers AS c
     WHERE c.tenant_id = tenant AND c.subscription = sub AND c.token = mine;
    UPDATE eventstore.deliveries AS d SET held_by = NULL
     WHERE d.tenant_id = tenant AND d.subscription = sub AND d.held_by = mine;
END
$$;
COMMENT ON FUNCTION eventstore.leave_subscription(text, text, bigint) IS
    'Ends a lease, and gives back what was held under it; nothing of it counts as an attempt.';

-- Sets an event aside, and with it what follows in its stream, unless that is to pass. The caller
-- has the subscription locked, so that nobody enters a later event of the stream meanwhile.
CREATE FUNCTION eventstore.park_delivery(
    s eventstore.subscriptions, place bigint, why text, trace text, who text
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d eventstore.deliveries;
BEGIN
    UPDATE eventstore.deliveries AS x
       SET held_by = NULL, behind = place, next_at = NULL, error = why
     WHERE x.tenant_id = s.tenant_id AND x.subscription = s.name AND x.position = place
       AND x.behind IS NULL
    RETURNING x.* INTO d;
    IF NOT FOUND THEN
        RETURN;  -- an earlier one of its stream was parked just now, and it waits behind that
    END IF;
    INSERT INTO eventstore.parked (tenant_id, subscription, position, parked_by, reason, error,
                                   attempts)
    VALUES (s.tenant_id, s.name, place, who, why, trace, d.attempts + d.lost);
    IF s.after_parked = 'wait' THEN
        UPDATE eventstore.deliveries AS x SET held_by = NULL, behind = place, next_at = NULL
         WHERE x.tenant_id = s.tenant_id AND x.subscription = s.name
           AND x.stream_id = d.stream_id AND x.position > place AND x.behind IS NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.park_delivery(
    eventstore.subscriptions, bigint, text, text, text) IS
    'Sets an event of a subscription aside, and what follows in its stream behind it.';

-- Takes over from consumers that gave no sign of life for the length of a lease. A consumer whose
-- row is locked is just giving one; not to wait for it also keeps the order of locks simple.
CREATE FUNCTION eventstore.release_lost(s eventstore.subscriptions) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone  record;
    place bigint;
BEGIN
    FOR gone IN
        SELECT c.token, c.consumer FROM eventstore.subscription_consumers AS c
         WHERE c.tenant_id = s.tenant_id AND c.subscription = s.name
           AND c.heartbeat_at < clock_timestamp() - make_interval(secs => s.lease_seconds)
           FOR UPDATE SKIP LOCKED
    LOOP
        DELETE FROM eventstore.subscription_consumers AS c
         WHERE c.tenant_id = s.tenant_id AND c.subscription = s.name AND c.token = gone.token;
        UPDATE eventstore.deliveries AS d
           SET held_by = NULL, lost = d.lost + 1,
               error = format('consumer %s was lost while it held the event', gone.consumer)
         WHERE d.tenant_id = s.tenant_id AND d.subscription = s.name AND d.held_by = gone.token;
        -- The second time it was held alone, so it is itself under suspicion.
        FOR place IN
            SELECT d.position FROM eventstore.deliveries AS d
             WHERE d.tenant_id = s.tenant_id AND d.subscription = s.name
               AND d.held_by IS NULL AND d.behind IS NULL
               AND d.lost > 1 AND d.lost + d.attempts >= s.max_attempts
             ORDER BY d.position
        LOOP
            PERFORM eventstore.park_delivery(
                s, place, 'the consumers that held it were lost', NULL, gone.consumer);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.release_lost(eventstore.subscriptions) IS
    'Gives back what consumers held whose leases are over; parks what was lost too often.';

-- Settling ---------------------------------------------------------------------------------------

-- What was handled goes; what failed is tried later, or parked. All of it was held under the
-- caller's token, and what is not any more is left alone, so that the same call may come twice.
-- failures: [{position, seconds until the next attempt or none, park, reason, error}].
-- Raises ES022 when the lease is lost, and ES025 when an event is acknowledged before an earlier
-- one of its stream.
CREATE FUNCTION eventstore.settle_deliveries(
    tenant text, sub text, mine bigint, acknowledged bigint[], failures json
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- plans are kept; one made while the tables were empty must not stay
AS $$
DECLARE
    s       eventstore.subscriptions;
    d       eventstore.deliveries;
    settled integer;
    streams text[];    -- in which something was acknowledged,
    ends    bigint[];  -- and its last position there
    failure record;
    who     text;
BEGIN
    PERFORM eventstore.act_as_subscriber(tenant, true);
    IF failures IS NOT NULL THEN
        s := eventstore.lock_subscription(tenant, sub);
    END IF;
    PERFORM eventstore.give_sign_of_life(tenant, sub, mine);
    WITH gone AS (
        DELETE FROM eventstore.deliveries AS x
         WHERE x.tenant_id = tenant AND x.subscription = sub AND x.position = ANY (acknowledged)
           AND x.held_by = mine
        RETURNING x.stream_id, x.position
    ), latest AS (
        SELECT g.stream_id, max(g.position) AS position, count(*) AS events
          FROM gone AS g GROUP BY g.stream_id
    )
    SELECT coalesce(sum(l.events), 0), array_agg(l.stream_id), array_agg(l.position)
      INTO settled, streams, ends
      FROM latest AS l;
    IF EXISTS (
        SELECT FROM unnest(streams, ends) AS l(stream_id, position)
          JOIN eventstore.deliveries AS e
            ON e.tenant_id = tenant AND e.subscription = sub AND e.stream_id = l.stream_id
           AND e.position < l.position AND e.held_by = mine)
    THEN
        RAISE EXCEPTION 'an event was acknowledged before an earlier one of its stream'
            USING ERRCODE = 'ES025';
    END IF;
    FOR failure IN
        SELECT * FROM json_to_recordset(failures) AS f(
            position bigint, seconds double precision, park boolean, reason text, error text)
         ORDER BY f.position
    LOOP
        UPDATE eventstore.deliveries AS x
           SET held_by = NULL, attempts = x.attempts + 1, error = failure.reason,
               next_at = clock_timestamp() + make_interval(secs => coalesce(
                   failure.seconds, least(3600, s.retry_seconds * 2.0 ^ least(x.attempts, 20))))
         WHERE x.tenant_id = tenant AND x.subscription = sub AND x.position = failure.position
           AND x.held_by = mine
        RETURNING x.* INTO d;
        CONTINUE WHEN NOT FOUND;
        settled := settled + 1;
        -- What follows in its stream goes back as well; it was not tried.
        UPDATE eventstore.deliveries AS x SET held_by = NULL
         WHERE x.tenant_id = tenant AND x.subscription = sub AND x.stream_id = d.stream_id
           AND x.position > d.position AND x.held_by = mine;
        IF failure.park OR d.attempts >= s.max_attempts THEN
            SELECT c.consumer INTO who FROM eventstore.subscription_consumers AS c
             WHERE c.tenant_id = tenant AND c.subscription = sub AND c.token = mine;
            PERFORM eventstore.park_delivery(s, d.position, failure.reason, failure.error, who);
        END IF;
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION eventstore.settle_deliveries(text, text, bigint, bigint[], json) IS
    'Acknowledges what a consumer has handled, and puts back or parks what failed; returns how '
    'many of them it still held.';

-- Claiming ---------------------------------------------------------------------------------------

CREATE FUNCTION eventstore.matching(
    s eventstore.subscriptions, until bigint, room integer
) RETURNS SETOF eventstore.events
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    after  bigint := s.read_position;
    places bigint[];
    found  integer := 0;
    page   integer;
BEGIN
    -- Each form follows the index that has its filter; the others are tested on what it gives.
    IF s.correlation_id IS NOT NULL THEN
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = s.tenant_id AND e.correlation_id = s.correlation_id
           AND e.position > s.read_position AND e.position <= until
           AND (s.event_types IS NULL OR e.event_type = ANY (s.event_types))
           AND (s.categories IS NULL OR e.category = ANY (s.categories))
           AND (s.tags IS NULL OR e.tags @> s.tags)
         ORDER BY e.position LIMIT room;
    ELSIF s.tags IS NOT NULL THEN
        LOOP
            places := ARRAY(SELECT t.position FROM eventstore.tagged(
                s.tenant_id, s.event_types, s.tags, after, until, room) AS t);
            RETURN QUERY
            SELECT e.* FROM eventstore.events AS e
             WHERE e.tenant_id = s.tenant_id AND e.position = ANY (places)
               AND (s.categories IS NULL OR e.category = ANY (s.categories))
             ORDER BY e.position LIMIT room - found;
            GET DIAGNOSTICS page = ROW_COUNT;
            found := found + page;
            EXIT WHEN found = room OR cardinality(places) < room;
            after := places[room];
        END LOOP;
    ELSE
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = s.tenant_id
           AND e.position > s.read_position AND e.position <= until
           AND (s.event_types IS NULL OR e.event_type = ANY (s.event_types))
           AND (s.categories IS NULL OR e.category = ANY (s.categories))
         ORDER BY e.position LIMIT room;
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.matching(eventstore.subscriptions, bigint, integer) IS
    'The next events of a subscription''s filter, up to a position that the watermark has passed.';

-- Gives a consumer up to `room` events, and some bytes of payloads at most (the first event that
-- goes over them is the last): first what waits, then what is new in the log. An event is not
-- given out while an earlier one of its stream is with another consumer, or waits for its next
-- attempt, or is parked and the stream waits behind it. Events of one stream may be given to one
-- consumer together: it handles them in order.
--
-- One claim of a subscription runs at a time. It reads the log after the watermark, in a statement
-- of its own, and enters what it reads, so that read_position passes no event that is not in
-- deliveries. The windows of positions bound what a rare filter costs in one call.
--
-- For the statement that comes with it, eventstore.claimed says: up to which position it looked,
-- and in how many seconds the next retry is due, if any.
CREATE FUNCTION eventstore.claim_deliveries(
    tenant text, sub text, mine bigint, room integer, max_bytes bigint
) RETURNS TABLE (
    "position" bigint, tenant_id text, event_id uuid, stream_id text, category text,
    stream_version bigint, event_type text, schema_version smallint, correlation_id uuid,
    causation_id uuid, agent text, target_agent text, retention_class text, data json,
    data_hash bytea, metadata json, occurred_at timestamptz, recorded_at timestamptz, tags text[],
    failed integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- as in settle_deliveries
SET enable_nestloop = off  -- what is not settled is gone through once, and not once for each event
AS $$
#variable_conflict use_column
DECLARE
    s       eventstore.subscriptions;
    moment  timestamptz;
    mark    bigint;
    until   bigint;
    chosen  bigint[];
    alone   boolean;
    given   integer := 0;
    reading boolean := false;
    last    bigint;
    low     bigint;
    due     double precision;
BEGIN
    PERFORM eventstore.act_as_subscriber(tenant, true);
    s := eventstore.lock_subscription(tenant, sub);
    PERFORM eventstore.give_sign_of_life(tenant, sub, mine);
    PERFORM eventstore.release_lost(s);
    moment := clock_timestamp();

    -- What waits. One that a consumer was lost with goes alone, so that the next loss shows whose
    -- fault it is.
    WITH streams AS MATERIALIZED (
        SELECT d.stream_id,
               bool_or(d.held_by <> mine) AS elsewhere,
               max(d.position) FILTER (WHERE d.held_by = mine) AS here_until,
               min(d.position) FILTER (WHERE d.held_by IS NULL) AS pausing_from
          FROM eventstore.deliveries AS d
         WHERE d.tenant_id = tenant AND d.subscription = sub AND d.position > s.checkpoint
           AND d.behind IS NULL AND (d.held_by IS NOT NULL OR d.next_at > moment)
         GROUP BY d.stream_id
    ), waiting AS (
        SELECT d.position, d.lost > 0 AS suspect,
               row_number() OVER before AS place, bool_or(d.lost > 0) OVER before AS any_suspect
          FROM (SELECT d.position, d.lost
                  FROM eventstore.deliveries AS d LEFT JOIN streams AS t USING (stream_id)
                 WHERE d.tenant_id = tenant AND d.subscription = sub AND d.position > s.checkpoint
                   AND d.held_by IS NULL AND d.behind IS NULL
                   AND (d.next_at IS NULL OR d.next_at <= moment)
                   AND t.elsewhere IS NOT TRUE
                   AND (t.here_until IS NULL OR t.here_until < d.position)
                   AND (t.pausing_from IS NULL OR t.pausing_from > d.position)
                 ORDER BY d.position LIMIT room) AS d
        WINDOW before AS (ORDER BY d.position)
    )
    SELECT array_agg(w.position ORDER BY w.position), bool_or(w.suspect)
      INTO chosen, alone
      FROM waiting AS w
     WHERE NOT w.any_suspect OR w.place = 1;
    alone := coalesce(alone, false);
    IF chosen IS NOT NULL THEN
        RETURN QUERY
        WITH found AS MATERIALIZED (
            SELECT e.*, sum(octet_length(e.data::text))
                            OVER (ORDER BY e.position ROWS UNBOUNDED PRECEDING)
                            - octet_length(e.data::text) AS bytes_before
              FROM eventstore.events AS e
             WHERE e.tenant_id = tenant AND e.position = ANY (chosen)
        ), taken AS (
            UPDATE eventstore.deliveries AS d SET held_by = mine, next_at = NULL
              FROM found AS f
             WHERE d.tenant_id = tenant AND d.subscription = sub AND d.position = f.position
               AND f.bytes_before < max_bytes
               AND (SELECT count(*) FROM found) = cardinality(chosen)
            RETURNING d.position, d.attempts + d.lost AS failed
        )
        SELECT f.position, f.tenant_id, f.event_id, f.stream_id, f.category, f.stream_version,
               f.event_type::text, f.schema_version, f.correlation_id, f.causation_id,
               f.agent::text, f.target_agent::text, f.retention_class, f.data, f.data_hash,
               f.metadata, f.occurred_at, f.recorded_at, f.tags, t.failed
          FROM found AS f JOIN taken AS t USING (position)
         ORDER BY f.position;
        GET DIAGNOSTICS given = ROW_COUNT;
        IF given = 0 THEN
            -- Some are not in the log any more. What follows them waits behind them from now on,
            -- so nothing is given out before they are parked: the next call does it.
            FOREACH last IN ARRAY chosen LOOP
                IF NOT EXISTS (SELECT FROM eventstore.events AS e
                                WHERE e.tenant_id = tenant AND e.position = last) THEN
                    PERFORM eventstore.park_delivery(
                        s, last, 'the event is not in the log any more', NULL, 'claim_deliveries');
                END IF;
            END LOOP;
            last := NULL;
        END IF;
    END IF;

    -- What is new. A subscription cannot have more unsettled events than it has passed positions.
    mark := eventstore.watermark();
    until := CASE WHEN given = 0 AND chosen IS NOT NULL THEN 0 ELSE mark END;
    IF given = cardinality(chosen) IS NOT FALSE AND NOT alone AND given < room
       AND mark > s.read_position
    THEN
        IF s.read_position - s.checkpoint < s.max_unsettled
           OR (SELECT count(*) FROM eventstore.deliveries AS d
                WHERE d.tenant_id = tenant AND d.subscription = sub) < s.max_unsettled
        THEN
            reading := true;
            until := least(mark, s.read_position
                + CASE WHEN s.correlation_id IS NULL AND s.tags IS NULL THEN 10000 ELSE 100000 END);
            RETURN QUERY
            WITH page AS MATERIALIZED (
                SELECT * FROM (
                    SELECT e.*, sum(octet_length(e.data::text))
                                    OVER (ORDER BY e.position ROWS UNBOUNDED PRECEDING)
                                    - octet_length(e.data::text) AS bytes_before
                      FROM eventstore.matching(s, until, room - given) AS e) AS sized
                 WHERE sized.bytes_before < max_bytes
            ), standing AS (
                SELECT p.stream_id,
                       bool_or(d.behind IS NULL AND d.held_by IS DISTINCT FROM mine) AS waits,
                       min(d.behind) FILTER (WHERE s.after_parked = 'wait') AS behind
                  FROM (SELECT DISTINCT stream_id FROM page) AS p
                  JOIN eventstore.deliveries AS d
                    ON d.tenant_id = tenant AND d.subscription = sub AND d.stream_id = p.stream_id
                   AND d.position > s.checkpoint
                 GROUP BY 1
            ), entered AS (
                INSERT INTO eventstore.deliveries
                       (tenant_id, subscription, position, stream_id, held_by, behind)
                SELECT tenant, sub, p.position, p.stream_id,
                       CASE WHEN t.waits OR t.behind IS NOT NULL THEN NULL ELSE mine END, t.behind
                  FROM page AS p LEFT JOIN standing AS t USING (stream_id)
                RETURNING position, held_by
            )
            SELECT p.position, p.tenant_id, p.event_id, p.stream_id, p.category, p.stream_version,
                   p.event_type::text, p.schema_version, p.correlation_id, p.causation_id,
                   p.agent::text, p.target_agent::text, p.retention_class, p.data, p.data_hash,
                   p.metadata, p.occurred_at, p.recorded_at, p.tags, 0
              FROM page AS p JOIN entered AS x USING (position)
             WHERE x.held_by IS NOT NULL
             ORDER BY p.position;
            SELECT max(d.position) INTO last FROM eventstore.deliveries AS d
             WHERE d.tenant_id = tenant AND d.subscription = sub AND d.position > s.read_position;
            -- A page may have ended before `until`; what is after its last event comes next time.
            until := coalesce(last, until);
        END IF;
    END IF;

    -- Events of no interest are not worth a write each: the next calls look at them again, until
    -- there are many of them or a second has gone by.
    IF last IS NOT NULL THEN
        s.read_position := last;
    ELSIF reading AND (until - s.read_position >= 1000
                       OR s.moved_at < moment - interval '1 second') THEN
        s.read_position := until;
    END IF;
    SELECT min(d.position) INTO low FROM eventstore.deliveries AS d
     WHERE d.tenant_id = tenant AND d.subscription = sub AND d.position > s.checkpoint;
    s.checkpoint := coalesce(low - 1, s.read_position);
    UPDATE eventstore.subscriptions AS x
       SET read_position = s.read_position, checkpoint = s.checkpoint, moved_at = moment
     WHERE x.tenant_id = tenant AND x.name = sub
       AND (x.read_position, x.checkpoint) <> (s.read_position, s.checkpoint);
    SELECT extract(epoch FROM min(d.next_at) - clock_timestamp()) INTO due
      FROM eventstore.deliveries AS d
     WHERE d.tenant_id = tenant AND d.subscription = sub
       AND d.held_by IS NULL AND d.behind IS NULL AND d.next_at > moment;
    PERFORM set_config('eventstore.claimed',
                       json_build_object('looked', until, 'mark', mark, 'due', due)::text, true);
END
$$;
COMMENT ON FUNCTION eventstore.claim_deliveries(text, text, bigint, integer, bigint) IS
    'Gives a consumer its next events, each with the number of failed attempts.';

CREATE FUNCTION eventstore.wait_for_deliveries(after bigint, looks integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN eventstore.wait_for_news(after, looks, 1);
END
$$;
COMMENT ON FUNCTION eventstore.wait_for_deliveries(bigint, integer) IS
    'Waits until the watermark is beyond a position, for so many milliseconds at most.';

-- Parked events ----------------------------------------------------------------------------------

-- positions NULL are all.
CREATE FUNCTION eventstore.resolve_parked(
    tenant text, sub text, positions bigint[], resolution text, who text, remark text
) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    s     eventstore.subscriptions;
    place bigint;
BEGIN
    PERFORM eventstore.act_as_subscriber(tenant, false);
    s := eventstore.lock_subscription(tenant, sub);
    FOR place IN
        SELECT d.position FROM eventstore.deliveries AS d
         WHERE d.tenant_id = tenant AND d.subscription = sub AND d.behind = d.position
           AND (positions IS NULL OR d.position = ANY (positions))
         ORDER BY d.position
    LOOP
        UPDATE eventstore.parked AS p
           SET resolution = resolution, resolved_at = clock_timestamp(), resolved_by = who,
               remark = remark
         WHERE p.tenant_id = tenant AND p.subscription = sub AND p.position = place
           AND p.resolution IS NULL;
        IF resolution = 'discarded' THEN
            DELETE FROM eventstore.deliveries AS d
             WHERE d.tenant_id = tenant AND d.subscription = sub AND d.position = place;
        END IF;
        UPDATE eventstore.deliveries AS d
           SET behind = NULL, attempts = CASE d.position WHEN place THEN 0 ELSE d.attempts END,
               lost = CASE d.position WHEN place THEN 0 ELSE d.lost END
         WHERE d.tenant_id = tenant AND d.subscription = sub AND d.behind = place;
        RETURN NEXT place;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.resolve_parked(text, text, bigint[], text, text, text) IS
    'Has parked events tried again (retried) or leaves them out for good (discarded), and lets go '
    'what waits behind them; returns their positions.';

-- Who may do what --------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION
    eventstore.act_as_subscriber(text, boolean), eventstore.lock_subscription(text, text),
    eventstore.give_sign_of_life(text, text, bigint),
    eventstore.park_delivery(eventstore.subscriptions, bigint, text, text, text),
    eventstore.release_lost(eventstore.subscriptions),
    eventstore.matching(eventstore.subscriptions, bigint, integer),
    eventstore.create_subscription(
        text, text, text[], text[], uuid, text[], text, integer, double precision,
        double precision, integer, bigint),
    eventstore.drop_subscription(text, text, boolean),
    eventstore.join_subscription(text, text, text),
    eventstore.leave_subscription(text, text, bigint),
    eventstore.settle_deliveries(text, text, bigint, bigint[], json),
    eventstore.claim_deliveries(text, text, bigint, integer, bigint),
    eventstore.wait_for_deliveries(bigint, integer),
    eventstore.resolve_parked(text, text, bigint[], text, text, text)
    FROM PUBLIC;
-- The subscriber has no right on a table: what it is told of the log comes from its claims.
GRANT USAGE ON SCHEMA eventstore TO eventstore_subscriber;
GRANT EXECUTE ON FUNCTION
    eventstore.create_subscription(
        text, text, text[], text[], uuid, text[], text, integer, double precision,
        double precision, integer, bigint),
    eventstore.drop_subscription(text, text, boolean),
    eventstore.join_subscription(text, text, text),
    eventstore.leave_subscription(text, text, bigint),
    eventstore.settle_deliveries(text, text, bigint, bigint[], json),
    eventstore.claim_deliveries(text, text, bigint, integer, bigint),
    eventstore.wait_for_deliveries(bigint, integer),
    eventstore.resolve_parked(text, text, bigint[], text, text, text)
    TO eventstore_subscriber;
