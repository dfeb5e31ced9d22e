-- Undoes 0023: the functions as they were. Runs as eventstore_owner.

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

DROP FUNCTION eventstore.begin_life();
DROP SEQUENCE eventstore.server_life_seq;
