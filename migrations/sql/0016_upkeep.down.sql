DROP FUNCTION eventstore.run_page(text, uuid, bigint, integer);
DROP FUNCTION eventstore.stream_page(text, text, bigint, integer, boolean);
DROP FUNCTION eventstore.attach_partition(text);
DROP FUNCTION eventstore.note_vacuum(text);
DROP FUNCTION eventstore.map_partition(text);
DROP FUNCTION eventstore.move_sealed_until();
DROP FUNCTION eventstore.prove_partition(text);
DROP FUNCTION eventstore.seal_partition(text);
DROP FUNCTION eventstore.partition_steps();
DROP FUNCTION eventstore.heal_partitions();
DROP FUNCTION eventstore.store_watermark();
DROP VIEW eventstore.partitions;

-- A partition that is not proven counts as open again.
DO $$
DECLARE
    leaf record;
BEGIN
    FOR leaf IN
        SELECT c.oid::regclass AS relation, k.convalidated AS proven
          FROM eventstore.sealed_partitions AS s
          JOIN pg_class AS c ON c.relname = s.name AND c.relnamespace = 'eventstore'::regnamespace
          JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.conname = 'sealed_positions'
    LOOP
        EXECUTE format('DROP TRIGGER sealed ON %s', leaf.relation);
        EXECUTE format('DROP POLICY keeper ON %s', leaf.relation);
        EXECUTE format('REVOKE MAINTAIN ON %s FROM eventstore_archiver', leaf.relation);
        IF NOT leaf.proven THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT sealed_positions', leaf.relation);
        END IF;
    END LOOP;
END
$$;

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
GRANT SELECT ON eventstore.partitions
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;

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
REVOKE ALL ON FUNCTION eventstore.seal_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.seal_partitions()
    TO eventstore_projector, eventstore_archiver;
GRANT EXECUTE ON FUNCTION eventstore.ensure_partitions(integer) TO eventstore_appender;

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
DROP TABLE eventstore.stored_watermark;
DROP TABLE eventstore.sealed_runs;
DROP TABLE eventstore.sealed_streams;
DROP TABLE eventstore.sealed_until;
DROP TABLE eventstore.sealed_partitions;
