-- The upkeep of a log that runs for years: partitions made ahead and closed behind without getting
-- in anybody's way, reads that open few of them, and a watermark that a standby can go by. Runs as
-- eventstore_owner.

-- What is known of closed partitions -------------------------------------------------------------

CREATE TABLE eventstore.sealed_partitions (
    name          text COLLATE "C" PRIMARY KEY,
    low_position  bigint NOT NULL,
    high_position bigint NOT NULL,
    sealed_at     timestamptz NOT NULL,
    mapped_at     timestamptz,
    vacuumed_at   timestamptz
);
COMMENT ON TABLE eventstore.sealed_partitions IS
    'The partitions that take no event any more, and how far their upkeep is. Not data of a tenant.';
COMMENT ON COLUMN eventstore.sealed_partitions.name IS 'Name of the partition.';
COMMENT ON COLUMN eventstore.sealed_partitions.low_position IS 'Its lowest position; 0 when empty.';
COMMENT ON COLUMN eventstore.sealed_partitions.high_position IS
    'Its highest position; 0 when empty.';
COMMENT ON COLUMN eventstore.sealed_partitions.sealed_at IS 'When it was closed to inserts.';
COMMENT ON COLUMN eventstore.sealed_partitions.mapped_at IS
    'When its streams and runs were entered into sealed_streams and sealed_runs.';
COMMENT ON COLUMN eventstore.sealed_partitions.vacuumed_at IS
    'When it was frozen and analysed for good.';

CREATE TABLE eventstore.sealed_until (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    moment   timestamptz NOT NULL
);
COMMENT ON TABLE eventstore.sealed_until IS
    'One row: before this moment every event is in a partition that is mapped. Not data of a tenant.';
COMMENT ON COLUMN eventstore.sealed_until.only_row IS 'True: there is one row.';
COMMENT ON COLUMN eventstore.sealed_until.moment IS
    'Reads of a stream or a run look for what is older in the months that the maps name.';
INSERT INTO eventstore.sealed_until (moment) VALUES ('1970-01-01 00:00Z');

CREATE TABLE eventstore.sealed_streams (
    tenant_id text COLLATE "C" NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    month     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, stream_id, month)
);
COMMENT ON TABLE eventstore.sealed_streams IS
    'The closed months in which a stream has events, so that a read of it opens no others. Made when '
    'a partition is sealed; an append pays nothing for it.';
COMMENT ON COLUMN eventstore.sealed_streams.tenant_id IS 'The tenant that owns the stream.';
COMMENT ON COLUMN eventstore.sealed_streams.stream_id IS 'The stream.';
COMMENT ON COLUMN eventstore.sealed_streams.month IS 'Beginning of the month of recorded_at, UTC.';

CREATE TABLE eventstore.sealed_runs (
    tenant_id      text COLLATE "C" NOT NULL,
    correlation_id uuid NOT NULL,
    month          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, correlation_id, month)
);
COMMENT ON TABLE eventstore.sealed_runs IS
    'The closed months in which a run has events, as sealed_streams for streams.';
COMMENT ON COLUMN eventstore.sealed_runs.tenant_id IS 'The tenant of the run''s events.';
COMMENT ON COLUMN eventstore.sealed_runs.correlation_id IS 'The run.';
COMMENT ON COLUMN eventstore.sealed_runs.month IS 'Beginning of the month of recorded_at, UTC.';

-- The watermark, for who can't see the locks of the primary ---------------------------------------

CREATE TABLE eventstore.stored_watermark (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    watermark bigint NOT NULL,
    at        timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE eventstore.stored_watermark IS
    'One row: a watermark that was true at a moment, and so is true for ever. Readers of a standby '
    'go by it, because registrations of appends are seen on the primary only. Not data of a tenant.';
COMMENT ON COLUMN eventstore.stored_watermark.only_row IS 'True: there is one row.';
COMMENT ON COLUMN eventstore.stored_watermark.watermark IS
    'Below this position nothing can still appear; never beyond eventstore.watermark().';
COMMENT ON COLUMN eventstore.stored_watermark.at IS
    'When it was taken, by the clock of the primary; what a standby shows is as old as this.';
INSERT INTO eventstore.stored_watermark (watermark, at) VALUES (0, clock_timestamp());

DO $$
DECLARE
    relation regclass;
BEGIN
    FOREACH relation IN ARRAY ARRAY[
        'eventstore.sealed_partitions', 'eventstore.sealed_until', 'eventstore.sealed_streams',
        'eventstore.sealed_runs', 'eventstore.stored_watermark']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
        -- The owner keeps them inside the functions below; nobody else writes.
        EXECUTE format('CREATE POLICY keeper ON %s TO eventstore_owner USING (true)', relation);
        EXECUTE format('CREATE POLICY every_tenant ON %s FOR SELECT '
                       'TO eventstore_projector, eventstore_archiver USING (true)', relation);
    END LOOP;
    FOREACH relation IN ARRAY ARRAY[
        'eventstore.sealed_partitions', 'eventstore.sealed_until',
        'eventstore.stored_watermark']::regclass[]
    LOOP
        EXECUTE format('CREATE POLICY no_tenant ON %s FOR SELECT TO eventstore_auditor USING (true)',
                       relation);
    END LOOP;
    FOREACH relation IN ARRAY ARRAY[
        'eventstore.sealed_streams', 'eventstore.sealed_runs']::regclass[]
    LOOP
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s FOR SELECT TO eventstore_auditor '
            'USING (tenant_id = (SELECT eventstore.current_tenant()) '
            'OR (SELECT eventstore.current_tenant()) = ''*'')', relation);
    END LOOP;
END
$$;
GRANT SELECT ON eventstore.sealed_partitions, eventstore.sealed_until, eventstore.sealed_streams,
                eventstore.sealed_runs, eventstore.stored_watermark
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;

-- A standby's readers go by what was stored: a row that they see was committed, and so written to
-- the log of the server, after all that it promises.
CREATE OR REPLACE FUNCTION eventstore.watermark() RETURNS bigint
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
    IF pg_is_in_recovery() THEN
        RETURN (SELECT stored.watermark FROM eventstore.stored_watermark AS stored);
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
    'The highest position below which nothing can still appear; on a standby, the stored one.';

-- Any number of processes may call it at any pace: it writes when there is something new and the
-- last time is a tenth of a second ago, or as a sign of life after a second.
CREATE FUNCTION eventstore.store_watermark() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored eventstore.stored_watermark;
    moment timestamptz := clock_timestamp();
    mark   bigint;
BEGIN
    SELECT * INTO stored FROM eventstore.stored_watermark;
    IF moment BETWEEN stored.at AND stored.at + interval '90 milliseconds' OR pg_is_in_recovery() THEN
        RETURN stored.watermark;
    END IF;
    mark := coalesce(pg_sequence_last_value('eventstore.events_position_seq'), 0);
    IF mark > stored.watermark THEN
        mark := eventstore.watermark();
    END IF;
    IF mark <= stored.watermark AND moment BETWEEN stored.at AND stored.at + interval '1 second' THEN
        RETURN stored.watermark;
    END IF;
    -- Losing the last moments in a crash costs nothing: what is left is an older watermark.
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE eventstore.stored_watermark AS s SET watermark = mark, at = moment
     WHERE s.watermark <= mark;
    RETURN mark;
END
$$;
COMMENT ON FUNCTION eventstore.store_watermark() IS
    'Stores the watermark for readers of a standby, if it is time; never an earlier one.';

-- Partitions ahead --------------------------------------------------------------------------------

-- An appender may make good what its next append needs, and no more: it can't fill the catalogue.
CREATE FUNCTION eventstore.heal_partitions() RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT eventstore.ensure_partitions(1)
$$;
COMMENT ON FUNCTION eventstore.heal_partitions() IS
    'Creates the missing partitions of this month and the next; what an appender may do.';
REVOKE EXECUTE ON FUNCTION eventstore.ensure_partitions(integer) FROM eventstore_appender;

-- Partitions behind -------------------------------------------------------------------------------

DROP FUNCTION eventstore.seal_partitions();
DROP VIEW eventstore.partitions;
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
                WHERE conrelid = leaf.oid AND conname = 'sealed_positions' AND convalidated)
           AS sealed,
       leaf.reltuples::bigint AS estimated_events,
       pg_total_relation_size(leaf.oid) AS bytes,
       done.mapped_at IS NOT NULL AS mapped,
       done.vacuumed_at IS NOT NULL AS vacuumed,
       done.sealed_at IS NOT NULL AS closed
  FROM pg_inherits AS upper
  JOIN pg_class AS class ON class.oid = upper.inhrelid
  JOIN pg_inherits AS lower ON lower.inhparent = class.oid AND NOT lower.inhdetachpending
  JOIN pg_class AS leaf ON leaf.oid = lower.inhrelid
  LEFT JOIN eventstore.sealed_partitions AS done ON done.name = leaf.relname
 WHERE upper.inhparent = 'eventstore.events'::regclass;
COMMENT ON VIEW eventstore.partitions IS
    'The partitions of events: class, month, size, and how far the upkeep of a closed one is.';
GRANT SELECT ON eventstore.partitions
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;

CREATE FUNCTION eventstore.partition_steps() RETURNS TABLE (name text, step text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.name, CASE WHEN NOT p.closed THEN 'seal' WHEN NOT p.sealed THEN 'prove'
                        WHEN NOT p.mapped THEN 'map' ELSE 'vacuum' END
      FROM eventstore.partitions AS p
     -- A month is closed an hour after its end: an append takes recorded_at just before it inserts.
     WHERE p.until_time < clock_timestamp() - interval '1 hour' AND NOT p.vacuumed
     ORDER BY p.from_time, p.name
$$;
COMMENT ON FUNCTION eventstore.partition_steps() IS
    'What the partitions of months that are over need next, the oldest first: seal, prove, map or '
    'vacuum.';

-- The only step with a lock that others can meet, so it is short: 100 ms of waiting at most, and a
-- look into an index at both ends. Behind a reader that takes longer it fails, and is tried again.
-- Appends of the current month don't touch this partition.
CREATE FUNCTION eventstore.seal_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms' AS $$
DECLARE
    leaf regclass;
    low  bigint;
    high bigint;
BEGIN
    SELECT p.relation INTO leaf FROM eventstore.partitions AS p
     WHERE p.name = partition AND p.until_time < clock_timestamp() - interval '1 hour';
    IF leaf IS NULL THEN
        RAISE EXCEPTION 'partition % is not there, or its month is not over', partition
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Waits for an append that is late; afterwards the trigger refuses one that is later still. So
    -- what is noted about the partition here and in the maps stays true.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', leaf);
    IF EXISTS (SELECT FROM eventstore.sealed_partitions AS s WHERE s.name = partition) THEN
        RETURN;  -- somebody else was quicker
    END IF;
    EXECUTE format('CREATE TRIGGER sealed BEFORE INSERT ON %s '
                   'FOR EACH ROW EXECUTE FUNCTION eventstore.refuse_change()', leaf);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER sealed', leaf);
    -- For the two functions that look at all tenants' rows; through the table events it does not
    -- count, and no login sets the variable for long: append sets its own.
    EXECUTE format('CREATE POLICY keeper ON %s FOR SELECT TO eventstore_owner '
                   'USING (current_setting(''eventstore.acting_tenant'', true) = ''*'')', leaf);
    EXECUTE format('GRANT MAINTAIN ON %s TO eventstore_archiver', leaf);
    PERFORM set_config('eventstore.acting_tenant', '*', true);
    EXECUTE format('SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM %s', leaf)
       INTO low, high;
    PERFORM set_config('eventstore.acting_tenant', '', true);
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS sealed_positions', leaf);
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT sealed_positions '
                   'CHECK (position BETWEEN %s AND %s) NOT VALID', leaf, low, high);
    INSERT INTO eventstore.sealed_partitions (name, low_position, high_position, sealed_at)
    VALUES (partition, low, high, clock_timestamp());
END
$$;
COMMENT ON FUNCTION eventstore.seal_partition(text) IS
    'Closes a partition whose month is over to inserts, and states its positions, unless that is '
    'done; raises 55P03 when a reader holds it for longer than 100 ms.';

-- Reads and appends go on meanwhile.
CREATE FUNCTION eventstore.prove_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leaf regclass;
BEGIN
    SELECT p.relation INTO STRICT leaf FROM eventstore.partitions AS p
     WHERE p.name = partition AND p.closed;
    EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT sealed_positions', leaf);
END
$$;
COMMENT ON FUNCTION eventstore.prove_partition(text) IS
    'Has the server prove the positions of a sealed partition by its rows, so that ranges of '
    'positions prune it.';

CREATE FUNCTION eventstore.map_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leaf  regclass;
    begun timestamptz;
BEGIN
    SELECT p.relation, p.from_time INTO STRICT leaf, begun FROM eventstore.partitions AS p
     WHERE p.name = partition AND p.closed;
    PERFORM set_config('eventstore.acting_tenant', '*', true);
    EXECUTE format('INSERT INTO eventstore.sealed_streams (tenant_id, stream_id, month) '
                   'SELECT DISTINCT tenant_id, stream_id, $1 FROM %s ON CONFLICT DO NOTHING', leaf)
      USING begun;
    EXECUTE format('INSERT INTO eventstore.sealed_runs (tenant_id, correlation_id, month) '
                   'SELECT DISTINCT tenant_id, correlation_id, $1 FROM %s ON CONFLICT DO NOTHING',
                   leaf)
      USING begun;
    PERFORM set_config('eventstore.acting_tenant', '', true);
    UPDATE eventstore.sealed_partitions AS s SET mapped_at = clock_timestamp()
     WHERE s.name = partition;
    PERFORM eventstore.move_sealed_until();
END
$$;
COMMENT ON FUNCTION eventstore.map_partition(text) IS
    'Notes which streams and runs have events in a sealed partition.';

CREATE FUNCTION eventstore.move_sealed_until() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE eventstore.sealed_until SET moment = coalesce(
        (SELECT coalesce(min(p.from_time) FILTER (WHERE NOT p.mapped), max(p.until_time))
           FROM eventstore.partitions AS p), '1970-01-01 00:00Z')
$$;
COMMENT ON FUNCTION eventstore.move_sealed_until() IS
    'Sets sealed_until to the beginning of the first partition that is not mapped.';

CREATE FUNCTION eventstore.note_vacuum(partition text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE eventstore.sealed_partitions SET vacuumed_at = clock_timestamp() WHERE name = $1
$$;
COMMENT ON FUNCTION eventstore.note_vacuum(text) IS
    'Notes that a sealed partition was frozen and analysed.';

-- A partition that was detached comes back, with all that is known of it.
CREATE FUNCTION eventstore.attach_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parts text[] := regexp_match(
        partition, '^(events_(?:conversation|decision|work|audit))_(\d{4})_(\d{2})$');
    month timestamptz;
BEGIN
    IF parts IS NULL OR to_regclass('eventstore.' || quote_ident(partition)) IS NULL THEN
        RAISE EXCEPTION 'there is no partition %', partition USING ERRCODE = 'undefined_table';
    END IF;
    IF EXISTS (SELECT FROM eventstore.partitions AS p WHERE p.name = partition) THEN
        RETURN;  -- it is there
    END IF;
    month := make_timestamptz(parts[2]::integer, parts[3]::integer, 1, 0, 0, 0);
    EXECUTE format(
        'ALTER TABLE eventstore.%I ATTACH PARTITION eventstore.%I FOR VALUES FROM (%L) TO (%L)',
        parts[1], partition, month, month + interval '1 month');
    PERFORM eventstore.move_sealed_until();
END
$$;
COMMENT ON FUNCTION eventstore.attach_partition(text) IS
    'Attaches a partition that was detached, unless that is done.';

-- Reads that open few partitions ------------------------------------------------------------------

-- The months that the maps name, and those that are not closed yet. Variables of PL/pgSQL are
-- known when a plan begins to run, so the other partitions are not even opened, and a plan is made
-- once a session (measured, at 120 partitions: 16 ms to plan anew, 1.2 ms to look into all, 0.2 ms).
CREATE FUNCTION eventstore.run_page(tenant text, run uuid, after bigint, most integer)
RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    open_from timestamptz := (SELECT moment FROM eventstore.sealed_until);
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT min(s.month), max(s.month) + interval '1 month' INTO low, high
      FROM eventstore.sealed_runs AS s WHERE s.tenant_id = tenant AND s.correlation_id = run;
    RETURN QUERY
    SELECT e.* FROM eventstore.events AS e
     WHERE e.tenant_id = tenant AND e.correlation_id = run AND e.position > after
       AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
     ORDER BY e.position LIMIT most;
END
$$;
COMMENT ON FUNCTION eventstore.run_page(text, uuid, bigint, integer) IS
    'The next events of a run after a position, in order.';

CREATE FUNCTION eventstore.stream_page(
    tenant text, stream text, from_version bigint, most integer, backwards boolean
)
RETURNS SETOF eventstore.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    open_from timestamptz := (SELECT moment FROM eventstore.sealed_until);
    low       timestamptz;
    high      timestamptz;
BEGIN
    SELECT min(s.month), max(s.month) + interval '1 month' INTO low, high
      FROM eventstore.sealed_streams AS s WHERE s.tenant_id = tenant AND s.stream_id = stream;
    IF backwards THEN
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = tenant AND e.stream_id = stream AND e.stream_version <= from_version
           AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
         ORDER BY e.stream_version DESC LIMIT most;
    ELSE
        RETURN QUERY
        SELECT e.* FROM eventstore.events AS e
         WHERE e.tenant_id = tenant AND e.stream_id = stream AND e.stream_version >= from_version
           AND (e.recorded_at >= open_from OR (e.recorded_at >= low AND e.recorded_at < high))
         ORDER BY e.stream_version LIMIT most;
    END IF;
END
$$;
COMMENT ON FUNCTION eventstore.stream_page(text, text, bigint, integer, boolean) IS
    'The next events of a stream from a stream_version on, upwards or backwards.';

-- Who may do what ---------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION
    eventstore.store_watermark(), eventstore.heal_partitions(), eventstore.partition_steps(),
    eventstore.seal_partition(text), eventstore.prove_partition(text),
    eventstore.map_partition(text), eventstore.move_sealed_until(), eventstore.note_vacuum(text),
    eventstore.attach_partition(text), eventstore.run_page(text, uuid, bigint, integer),
    eventstore.stream_page(text, text, bigint, integer, boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.heal_partitions() TO eventstore_appender;
GRANT EXECUTE ON FUNCTION eventstore.store_watermark()
    TO eventstore_projector, eventstore_archiver;
GRANT EXECUTE ON FUNCTION
    eventstore.partition_steps(), eventstore.seal_partition(text),
    eventstore.prove_partition(text), eventstore.map_partition(text),
    eventstore.note_vacuum(text), eventstore.attach_partition(text)
    TO eventstore_archiver;
GRANT EXECUTE ON FUNCTION
    eventstore.run_page(text, uuid, bigint, integer),
    eventstore.stream_page(text, text, bigint, integer, boolean)
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;
