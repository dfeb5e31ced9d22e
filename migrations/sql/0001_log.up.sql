-- The log: streams, event ids, events in partitions, the one function that appends, and who may
-- do what. Runs as eventstore_owner; the roles and the schema come from the bootstrap.
-- Identifiers compare bytewise (COLLATE "C"): the same order on every machine, and prefix scans.

-- Who belongs to which tenant ------------------------------------------------------------------

CREATE TABLE eventstore.tenant_logins (
    login     name PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL CHECK (length(tenant_id) BETWEEN 1 AND 128)
);
COMMENT ON TABLE eventstore.tenant_logins IS
    'Which tenant each login is bound to; * is every tenant. A login that is not here sees nothing.';
COMMENT ON COLUMN eventstore.tenant_logins.login IS 'Name of the login role (session_user).';
COMMENT ON COLUMN eventstore.tenant_logins.tenant_id IS 'The tenant, or * for a trusted service.';

INSERT INTO eventstore.tenant_logins (login, tenant_id) VALUES (session_user, '*');

-- The binding hangs on session_user, which nobody but a superuser can change; the session
-- variable eventstore.tenant only narrows a login that may see every tenant.
CREATE FUNCTION eventstore.current_tenant() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bound text;
BEGIN
    SELECT tenant_id INTO bound FROM eventstore.tenant_logins WHERE login = session_user;
    IF bound = '*' THEN
        RETURN coalesce(nullif(current_setting('eventstore.tenant', true), ''), '*');
    END IF;
    RETURN bound;
END
$$;
COMMENT ON FUNCTION eventstore.current_tenant() IS
    'The tenant whose rows this session may see; * for every tenant, NULL for none.';

-- The tables -----------------------------------------------------------------------------------
-- Limits are varchar lengths: a CHECK is parsed again by every statement (measured: 9 % of append).

CREATE TABLE eventstore.streams (
    tenant_id      varchar(128) COLLATE "C" NOT NULL,
    stream_id      varchar(255) COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL CHECK (stream_version >= 0),
    PRIMARY KEY (tenant_id, stream_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE eventstore.streams IS
    'One row a stream. Its stream_version is compared and set by every append: the row lock is what '
    'keeps the versions of a stream free of holes and of double winners.';
COMMENT ON COLUMN eventstore.streams.tenant_id IS 'The tenant that owns the stream.';
COMMENT ON COLUMN eventstore.streams.stream_id IS
    'Name of the stream; the part before the first dash is its category.';
COMMENT ON COLUMN eventstore.streams.stream_version IS
    'Number of events in the stream; 0 means that the stream does not exist.';

CREATE TABLE eventstore.event_ids (
    tenant_id      text COLLATE "C" NOT NULL,
    event_id       uuid NOT NULL,
    stream_id      text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
COMMENT ON TABLE eventstore.event_ids IS
    'The guard of identity: each event id once, for ever. It stands outside the partitions, because '
    'a unique constraint of a partitioned table must contain the partition key.';
COMMENT ON COLUMN eventstore.event_ids.tenant_id IS 'The tenant of the event.';
COMMENT ON COLUMN eventstore.event_ids.event_id IS 'The id that the writer gave the event.';
COMMENT ON COLUMN eventstore.event_ids.stream_id IS 'The stream that holds the event.';
COMMENT ON COLUMN eventstore.event_ids.stream_version IS 'Its place there.';

-- CACHE 1: a cached block would hand out positions below the bound that its appender registered.
CREATE SEQUENCE eventstore.events_position_seq AS bigint CACHE 1;
COMMENT ON SEQUENCE eventstore.events_position_seq IS
    'Places in the whole log. CACHE must stay 1: the watermark depends on it.';

CREATE TABLE eventstore.events (
    position        bigint NOT NULL,
    tenant_id       text COLLATE "C" NOT NULL,
    event_id        uuid NOT NULL,
    stream_id       text COLLATE "C" NOT NULL,
    category        text COLLATE "C" NOT NULL,
    stream_version  bigint NOT NULL,
    event_type      varchar(128) COLLATE "C" NOT NULL,
    schema_version  smallint NOT NULL,
    correlation_id  uuid NOT NULL,
    causation_id    uuid,
    agent           varchar(128) COLLATE "C",
    target_agent    varchar(128) COLLATE "C",
    retention_class text COLLATE "C" NOT NULL,
    data            json NOT NULL,
    data_hash       bytea NOT NULL,
    metadata        json NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL
) PARTITION BY LIST (retention_class);
COMMENT ON TABLE eventstore.events IS
    'The log: every fact that an agent stated, once, unchangeable, in order of position.';
COMMENT ON COLUMN eventstore.events.position IS 'Place in the whole log; grows, may have gaps.';
COMMENT ON COLUMN eventstore.events.tenant_id IS 'The tenant that owns the event.';
COMMENT ON COLUMN eventstore.events.event_id IS 'The id that the writer gave the fact (UUIDv7).';
COMMENT ON COLUMN eventstore.events.stream_id IS 'The stream: the ordered events of one thing.';
COMMENT ON COLUMN eventstore.events.category IS 'The part of stream_id before the first dash.';
COMMENT ON COLUMN eventstore.events.stream_version IS '1-based place in the stream, no holes.';
COMMENT ON COLUMN eventstore.events.event_type IS 'Stable name of the kind of fact.';
COMMENT ON COLUMN eventstore.events.schema_version IS 'Version of the form of data.';
COMMENT ON COLUMN eventstore.events.correlation_id IS 'The whole run that the event belongs to.';
COMMENT ON COLUMN eventstore.events.causation_id IS 'The event_id of the event that caused it.';
COMMENT ON COLUMN eventstore.events.agent IS 'Who stated the fact.';
COMMENT ON COLUMN eventstore.events.target_agent IS 'Whom it is addressed to.';
COMMENT ON COLUMN eventstore.events.retention_class IS
    'How long it is kept: conversation, decision, work or audit.';
COMMENT ON COLUMN eventstore.events.data IS
    'The payload, byte for byte as submitted; json keeps the text, which jsonb would rewrite.';
COMMENT ON COLUMN eventstore.events.data_hash IS 'SHA-256 of the bytes of data.';
COMMENT ON COLUMN eventstore.events.metadata IS 'What the writer added about the event.';
COMMENT ON COLUMN eventstore.events.occurred_at IS 'When it happened, as its writer says.';
COMMENT ON COLUMN eventstore.events.recorded_at IS
    'When the log took it, by the clock of the database.';

CREATE INDEX events_position ON eventstore.events (position, tenant_id);
COMMENT ON INDEX eventstore.events_position IS
    'Reads in log order; tenant_id is in the key so that another tenant''s rows are never fetched.';
CREATE INDEX events_stream ON eventstore.events (tenant_id, stream_id, stream_version);
COMMENT ON INDEX eventstore.events_stream IS 'Reads of one stream.';
CREATE INDEX events_correlation ON eventstore.events (tenant_id, correlation_id, position);
COMMENT ON INDEX eventstore.events_correlation IS 'Reads of one run, in log order.';

-- Nothing that is recorded changes --------------------------------------------------------------

CREATE FUNCTION eventstore.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the log is append-only',
            TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'ES005',
              HINT = 'Append an event that corrects the earlier one.';
END
$$;
COMMENT ON FUNCTION eventstore.refuse_change() IS
    'Refuses UPDATE, DELETE and TRUNCATE, of a superuser too.';

-- What the parent has, each partition needs too: a statement may name a partition directly, and
-- neither row security nor statement triggers are inherited. ENABLE ALWAYS: the triggers also
-- fire in a session that plays a replica.
CREATE FUNCTION eventstore.protect_log(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION eventstore.refuse_change()', relation);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', relation);
    PERFORM eventstore.protect_tenants(relation);
END
$$;

CREATE FUNCTION eventstore.protect_tenants(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    -- The owner writes only inside append, which sets the tenant that it acts for.
    EXECUTE format(
        'CREATE POLICY acting_tenant ON %s TO eventstore_owner '
        'USING (tenant_id = current_setting(''eventstore.acting_tenant'', true))', relation);
    EXECUTE format(
        'CREATE POLICY own_tenant ON %s FOR SELECT TO eventstore_auditor '
        'USING (tenant_id = (SELECT eventstore.current_tenant()) '
        'OR (SELECT eventstore.current_tenant()) = ''*'')', relation);
    EXECUTE format(
        'CREATE POLICY every_tenant ON %s FOR SELECT TO eventstore_projector, eventstore_archiver '
        'USING (true)', relation);
END
$$;

SELECT eventstore.protect_log('eventstore.events');
SELECT eventstore.protect_tenants('eventstore.streams');
SELECT eventstore.protect_log('eventstore.event_ids');
ALTER TABLE eventstore.tenant_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE eventstore.tenant_logins FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON eventstore.tenant_logins TO eventstore_owner USING (true);

CREATE FUNCTION eventstore.bind_login(login name, tenant text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO eventstore.tenant_logins (login, tenant_id) VALUES ($1, $2)
    ON CONFLICT (login) DO UPDATE SET tenant_id = excluded.tenant_id
$$;
COMMENT ON FUNCTION eventstore.bind_login(name, text) IS
    'Binds a login to one tenant, or with * to all; for the owner only.';

-- Partitions -----------------------------------------------------------------------------------

CREATE VIEW eventstore.partitions AS
SELECT class.relname::text COLLATE "C" AS retention_class_table,
       leaf.oid::regclass AS relation,
       leaf.relname::text AS name,
       replace(class.relname::text, 'events_', '') AS retention_class,
       substring(pg_get_expr(leaf.relpartbound, leaf.oid) FROM 'FROM \(''([^'']+)''')::timestamptz
           AS from_time,
       substring(pg_get_expr(leaf.relpartbound, leaf.oid) FROM 'TO \(''([^'']+)''')::timestamptz
           AS until_time,
       EXISTS (SELECT FROM pg_constraint
                WHERE conrelid = leaf.oid AND conname = 'sealed_positions') AS sealed,
       leaf.reltuples::bigint AS estimated_events,
       pg_total_relation_size(leaf.oid) AS bytes
  FROM pg_inherits AS upper
  JOIN pg_class AS class ON class.oid = upper.inhrelid
  JOIN pg_inherits AS lower ON lower.inhparent = class.oid
  JOIN pg_class AS leaf ON leaf.oid = lower.inhrelid
 WHERE upper.inhparent = 'eventstore.events'::regclass;
COMMENT ON VIEW eventstore.partitions IS 'The partitions of events: class, month, size, sealed.';

-- Created beside the table and attached, so that appends are never locked out.
CREATE FUNCTION eventstore.ensure_partitions(months_ahead integer DEFAULT 2)
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    class text;
    month timestamptz;
    leaf  text;
BEGIN
    IF months_ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_ahead % is not in 0..120', months_ahead USING ERRCODE = '22023';
    END IF;
    -- One at a time; the key is the tag of append's registrations with the sign bit set.
    PERFORM pg_advisory_xact_lock(-17750);
    FOR class, month IN
        SELECT c, m
          FROM unnest(ARRAY['conversation', 'decision', 'work', 'audit']) AS c,
               generate_series(date_trunc('month', clock_timestamp()),
                               date_trunc('month', clock_timestamp())
                                   + make_interval(months => months_ahead),
                               interval '1 month') AS m
    LOOP
        leaf := format('events_%s_%s', class, to_char(month, 'YYYY_MM'));
        CONTINUE WHEN EXISTS (SELECT FROM eventstore.partitions AS p WHERE p.name = leaf);
        -- One that was detached, and is there still, is attached again.
        IF to_regclass('eventstore.' || leaf) IS NULL THEN
            EXECUTE format('CREATE TABLE eventstore.%I (LIKE eventstore.events INCLUDING ALL)',
                           leaf);
            PERFORM eventstore.protect_log(format('eventstore.%I', leaf)::regclass);
        END IF;
        EXECUTE format(
            'ALTER TABLE eventstore.%I ATTACH PARTITION eventstore.%I FOR VALUES FROM (%L) TO (%L)',
            'events_' || class, leaf, month, month + interval '1 month');
        RETURN NEXT leaf;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.ensure_partitions(integer) IS
    'Creates the missing partitions from this month on; returns the names of the new ones.';

CREATE FUNCTION eventstore.partition_gaps(months_ahead integer DEFAULT 1)
RETURNS TABLE (retention_class text, month date)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT c, m::date
      FROM unnest(ARRAY['conversation', 'decision', 'work', 'audit']) AS c,
           generate_series(date_trunc('month', clock_timestamp()),
                           date_trunc('month', clock_timestamp())
                               + make_interval(months => months_ahead),
                           interval '1 month') AS m
     WHERE NOT EXISTS (SELECT FROM eventstore.partitions AS p
                        WHERE p.name = format('events_%s_%s', c, to_char(m, 'YYYY_MM')))
$$;
COMMENT ON FUNCTION eventstore.partition_gaps(integer) IS
    'The months, up to months_ahead from now, that have no partition: the alarm.';

-- A month is closed an hour after its end: an append takes recorded_at just before it inserts,
-- and its transaction is bounded by transaction_timeout, which is a minute.
CREATE FUNCTION eventstore.seal_partitions() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leaf record;
    low  bigint;
    high bigint;
BEGIN
    FOR leaf IN
        SELECT relation, name FROM eventstore.partitions
         WHERE NOT sealed AND until_time < clock_timestamp() - interval '1 hour'
         ORDER BY name
    LOOP
        -- Row security is off for the owner here on purpose: bounds are over every tenant.
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', leaf.relation);
        EXECUTE format('SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM %s',
                       leaf.relation) INTO low, high;
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', leaf.relation);
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT sealed_positions '
                       'CHECK (position BETWEEN %s AND %s)', leaf.relation, low, high);
        RETURN NEXT leaf.name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.seal_partitions() IS
    'Gives each closed partition a CHECK on its positions, so that a range of positions prunes it.';

DO $$
DECLARE
    class text;
BEGIN
    FOREACH class IN ARRAY ARRAY['conversation', 'decision', 'work', 'audit'] LOOP
        EXECUTE format('CREATE TABLE eventstore.%I PARTITION OF eventstore.events '
                       'FOR VALUES IN (%L) PARTITION BY RANGE (recorded_at)',
                       'events_' || class, class);
        PERFORM eventstore.protect_log(format('eventstore.events_%s', class)::regclass);
    END LOOP;
END
$$;
SELECT eventstore.ensure_partitions();

-- Append ---------------------------------------------------------------------------------------

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
CREATE FUNCTION eventstore.append(
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
CREATE FUNCTION eventstore.append_one(
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
COMMENT ON FUNCTION eventstore.append_one(
    text, text, bigint, uuid, text, smallint, uuid, uuid, text, text, text, json, json,
    timestamptz) IS
    'Appends one event to a stream that is where its writer believes; otherwise ask append.';

-- Locks the streams of a batch, decides each request, and moves the streams of the accepted ones.
CREATE FUNCTION eventstore.decide(
    tenant text, stream_ids text[], append_request integer[], append_stream integer[],
    append_expected bigint[], append_events integer[], event_ids uuid[], bodies json,
    OUT event_streams text[], OUT event_versions bigint[],
    OUT positions bigint[], OUT stream_versions bigint[], OUT refusals jsonb, OUT accepted integer
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
COMMENT ON FUNCTION eventstore.decide(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json) IS
    'The close look of append: locks, expected versions, repeats, an outcome for each request.';

CREATE FUNCTION eventstore.lock_streams(tenant text, stream_ids text[]) RETURNS bigint[]
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
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

-- A request of which at least one event id is known. The same facts in the same streams answer
-- with their first receipt; anything else is refused.
CREATE FUNCTION eventstore.repeated(
    tenant text, known jsonb, ids uuid[], streams text[], counts integer[], hashes bytea[],
    OUT refusal jsonb, OUT positions bigint[], OUT stream_versions bigint[]
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at        integer := 0;
    fact      jsonb;
    recorded  record;
    reason    text;
BEGIN
    FOR a IN 1..cardinality(streams) LOOP
        FOR o IN 1..counts[a] LOOP
            at := at + 1;
            fact := known -> ids[at]::text;
            IF fact IS NULL THEN
                reason := 'partly recorded';
            ELSIF fact ->> 'stream_id' <> streams[a] THEN
                reason := 'another stream';
            ELSE
                SELECT e.position, e.data_hash INTO recorded FROM eventstore.events AS e
                 WHERE e.tenant_id = tenant AND e.stream_id = streams[a]
                   AND e.stream_version = (fact ->> 'stream_version')::bigint;
                IF recorded.data_hash IS DISTINCT FROM hashes[at] THEN
                    reason := 'other content';
                END IF;
            END IF;
            IF reason IS NOT NULL THEN
                refusal := jsonb_build_object('sqlstate', 'ES002', 'detail', jsonb_build_object(
                    'event_id', ids[at], 'stream_id', streams[a], 'reason', reason,
                    'recorded_in', coalesce(fact ->> 'stream_id', streams[a])));
                RETURN;
            END IF;
            positions[at] := recorded.position;
            stream_versions[at] := (fact ->> 'stream_version')::bigint;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION eventstore.repeated(text, jsonb, uuid[], text[], integer[], bytea[]) IS
    'Compares a repeated request with what was recorded the first time.';

-- Reading in order -----------------------------------------------------------------------------

-- Statement 1 of an ordered read is the sequence, 2 the registrations, 3 (the caller's) the
-- events up to what this returns. Each needs a snapshot of its own, later than the one before:
-- an appender that is not seen in 2 has either committed, and then 3 sees its events, or had not
-- taken a position in 1.
CREATE FUNCTION eventstore.watermark() RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    high bigint;
    held bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'an ordered read needs READ COMMITTED, this transaction is %',
                upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'ES004', HINT = 'Read the watermark before the transaction begins.';
    END IF;
    high := coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0);
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) INTO held
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 17750
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least(high, held);
END
$$;
COMMENT ON FUNCTION eventstore.watermark() IS
    'The highest position below which nothing can still appear.';

CREATE FUNCTION eventstore.appends_in_flight()
RETURNS TABLE (lower_bound bigint, pid integer, login name, application text,
               began_at timestamptz, state text, prepared text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ((l.classid::bigint & 65535) << 32) | l.objid::bigint, l.pid, a.usename,
           a.application_name, coalesce(a.xact_start, p.prepared), a.state, p.gid
      FROM pg_locks AS l
      LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
      LEFT JOIN LATERAL (
           -- A prepared transaction has no process; its lock on its own id leads to its name.
           SELECT x.gid, x.prepared
             FROM pg_prepared_xacts AS x JOIN pg_locks AS own
               ON own.locktype = 'transactionid' AND own.transactionid = x.transaction
            WHERE own.pid IS NULL AND own.virtualtransaction = l.virtualtransaction
           ) AS p ON l.pid IS NULL
     WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint >> 16 = 17750
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       -- One tenant's sessions are no other tenant's business.
       AND (EXISTS (SELECT FROM eventstore.tenant_logins
                     WHERE login = session_user AND tenant_id = '*')
            OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user))
     ORDER BY 1
$$;
COMMENT ON FUNCTION eventstore.appends_in_flight() IS
    'The appends that hold the watermark back, the oldest first, with their holders; for logins '
    'that may see every tenant.';

-- Who may do what ------------------------------------------------------------------------------

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA eventstore FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA eventstore FROM PUBLIC;
REVOKE ALL ON SCHEMA eventstore FROM PUBLIC;
GRANT USAGE ON SCHEMA eventstore
    TO eventstore_appender, eventstore_projector, eventstore_archiver, eventstore_auditor;
GRANT EXECUTE ON FUNCTION
    eventstore.append(text, text[], integer[], integer[], bigint[], integer[], uuid[], json),
    eventstore.append_one(text, text, bigint, uuid, text, smallint, uuid, uuid, text, text, text,
                          json, json, timestamptz),
    eventstore.ensure_partitions(integer)
    TO eventstore_appender;
GRANT EXECUTE ON FUNCTION
    eventstore.current_tenant(), eventstore.watermark(), eventstore.partition_gaps(integer),
    eventstore.appends_in_flight()
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;
GRANT EXECUTE ON FUNCTION
    eventstore.ensure_partitions(integer), eventstore.seal_partitions()
    TO eventstore_projector, eventstore_archiver;
GRANT SELECT ON eventstore.events, eventstore.streams, eventstore.event_ids,
                eventstore.partitions, eventstore.events_position_seq
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;
