-- No position is given twice, not even when a crash takes some back. Runs as eventstore_owner.
--
-- A position that was taken and given up is a hole, which readers pass. The sequence writes ahead
-- what it gives, and the commit of an append brings that to the disk; but after a crash it gives what
-- nobody's commit had brought there once more, and a reader that had passed it by would miss the
-- event. So the first append after a crash moves the sequence beyond all of that.

-- Which life of the server the sequence of positions was last made ready for: when the statistics
-- began, in microseconds since 1970. They begin anew with every crash, and outlast a restart.
CREATE SEQUENCE eventstore.server_life_seq;
COMMENT ON SEQUENCE eventstore.server_life_seq IS
    'The life of the server in which positions are given: another one begins after a crash.';

-- Makes the sequence of positions ready for this life of the server, once a session. What a crash
-- can take back was written after the last flush of the WAL, which is never longer ago than three
-- rounds of the WAL writer; 65,536 positions are some 50 MB of that. Both sequences change at once
-- and for everybody, whatever becomes of the transaction.
CREATE FUNCTION eventstore.begin_life() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gate CONSTANT bigint := -17751;
    life CONSTANT bigint := coalesce(
        (extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time()) * 1000000)::bigint, 1);
BEGIN
    IF pg_sequence_last_value('eventstore.server_life_seq') IS DISTINCT FROM life THEN
        PERFORM pg_advisory_lock(gate);  -- who waits here holds nothing yet
        IF pg_sequence_last_value('eventstore.server_life_seq') IS DISTINCT FROM life THEN
            PERFORM setval('eventstore.events_position_seq', given + 65536)
               FROM pg_sequence_last_value('eventstore.events_position_seq') AS given
              WHERE given IS NOT NULL;
            PERFORM setval('eventstore.server_life_seq', life);
        END IF;
        PERFORM pg_advisory_unlock(gate);
    END IF;
    PERFORM set_config('eventstore.server_life', 'known', false);
END
$$;
COMMENT ON FUNCTION eventstore.begin_life() IS
    'Moves the sequence of positions beyond all that a crash may have taken back, if there was one.';
REVOKE ALL ON FUNCTION eventstore.begin_life() FROM PUBLIC;

CREATE OR REPLACE FUNCTION eventstore.begin_append(tenant text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller text;
BEGIN
    -- What eventstore.current_tenant says, without the cost of another call.
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
    IF current_setting('eventstore.server_life', true) IS DISTINCT FROM 'known' THEN
        PERFORM eventstore.begin_life();
    END IF;
END
$$;

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
    -- What begin_append does, with the reasons there, without the cost of a call.
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
    IF current_setting('eventstore.server_life', true) IS DISTINCT FROM 'known' THEN
        PERFORM eventstore.begin_life();
    END IF;
    IF occurred_at < '0001-01-01 00:00:00+00' OR occurred_at >= '10000-01-01 00:00:00+00' THEN
        RAISE EXCEPTION 'an occurred_at outside the years 1 to 9999'
            USING ERRCODE = 'data_exception';
    END IF;

    IF expected <> 0 THEN
        UPDATE eventstore.streams SET stream_version = stream_version + 1
         WHERE tenant_id = tenant AND stream_id = append_one.stream_id AND closed_at IS NULL
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
    RETURN ARRAY[place - 1, taken];
END
$$;

-- What was given up to now stays as it is.
SELECT setval('eventstore.server_life_seq', coalesce(
    (extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time()) * 1000000)::bigint, 1));
