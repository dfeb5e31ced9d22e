-- Daemons that share the projections among them, and waits that happen inside the server, where a
-- look costs microseconds and no round trip. Runs as eventstore_owner.

-- Who is there -----------------------------------------------------------------------------------

CREATE TABLE projections.daemons (
    id            text COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    host          text COLLATE "C" NOT NULL,
    pid           integer NOT NULL,
    runs          jsonb NOT NULL CHECK (jsonb_typeof(runs) = 'object'),
    gave_up       text[] COLLATE "C" NOT NULL DEFAULT '{}',
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_seconds double precision NOT NULL CHECK (lease_seconds > 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE projections.daemons IS
    'The processes that run projections just now, so that each can tell its fair share. What each '
    'one holds stands in checkpoints.holder. Not data of a tenant.';
COMMENT ON COLUMN projections.daemons.id IS
    'The name under which it holds leases: host, process and a random part.';
COMMENT ON COLUMN projections.daemons.host IS 'Name of the machine.';
COMMENT ON COLUMN projections.daemons.pid IS 'Process id on that machine.';
COMMENT ON COLUMN projections.daemons.runs IS
    'What it can run: {"name of a projection": [versions of its rules]}.';
COMMENT ON COLUMN projections.daemons.gave_up IS
    'Shards, as name/shard, that failed under it and that it leaves to others.';
COMMENT ON COLUMN projections.daemons.started_at IS 'When it started.';
COMMENT ON COLUMN projections.daemons.heartbeat_at IS
    'Last sign of life, by the clock of the database.';
COMMENT ON COLUMN projections.daemons.lease_seconds IS
    'How long after the last heartbeat the others count it as dead.';

ALTER TABLE projections.daemons ENABLE ROW LEVEL SECURITY;
ALTER TABLE projections.daemons FORCE ROW LEVEL SECURITY;
CREATE POLICY projector ON projections.daemons TO eventstore_projector USING (true);
CREATE POLICY owner ON projections.daemons TO eventstore_owner USING (true);
CREATE POLICY auditor ON projections.daemons FOR SELECT TO eventstore_auditor USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON projections.daemons TO eventstore_projector;
GRANT SELECT ON projections.daemons TO eventstore_auditor;

-- Waiting for the end of the log to move ---------------------------------------------------------

-- One look costs a few microseconds, so that one a millisecond is a hundredth of a core; only when
-- a position was taken is it worth the look at all locks of the server. The length of a call is
-- counted in looks, not by a clock, and is short, because as long as it lasts it holds a snapshot.
-- pg_sleep rounds up to milliseconds what is a trifle more than one after its arithmetic: so a tenth
-- is taken off, or one would be two.
CREATE FUNCTION eventstore.wait_for_news(after bigint, looks integer, pause integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    positions regclass := 'eventstore.events_position_seq';
    held      integer := 0;
    mark      bigint;
    slept     text;
BEGIN
    FOR look IN 1..least(looks, 1000) LOOP
        IF pg_sequence_last_value(positions) > after THEN
            mark := eventstore.watermark();
            IF mark > after THEN
                RETURN mark;
            END IF;
            -- An append is under way. Most end before a pause would; one that takes longer is
            -- looked at less and less often.
            held := held + 1;
            CONTINUE WHEN held <= 4;
            slept := pg_sleep(CASE WHEN held < 20 THEN 0.0009 ELSE 0.0099 END);
            EXIT WHEN held > 25;
        ELSE
            slept := pg_sleep(pause / 1000.0 - 0.0001);
        END IF;
    END LOOP;
    RETURN after;
END
$$;
COMMENT ON FUNCTION eventstore.wait_for_news(bigint, integer, integer) IS
    'The watermark as soon as it is higher than after, or after itself when so many looks, with a '
    'pause of so many milliseconds after each, were in vain.';

-- Moving a checkpoint ----------------------------------------------------------------------------

-- It raises instead of answering, so that the statements that follow in the same round trip are
-- skipped when the lease is lost. The limit of time is that of a projector which was stopped
-- between two statements, and would keep its checkpoint locked for as long.
CREATE FUNCTION projections.advance(
    projection text, build text, shard integer, fencing_token bigint,
    reached bigint, until bigint, events bigint, events_per_second double precision
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lease double precision;
BEGIN
    -- A crash of the server may lose the last moments of rows and checkpoint together, never one
    -- without the other; they are then made again from the log, whose commits are never lazy.
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE projections.checkpoints AS c
       SET position = until, applied = applied + events,
           last_error = CASE state WHEN 'paused' THEN last_error END,
           events_per_second = advance.events_per_second,
           heartbeat_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE c.projection = advance.projection AND c.build = advance.build
       AND c.shard = advance.shard AND c.fencing_token = advance.fencing_token
       AND c.position = reached
    RETURNING lease_seconds INTO lease;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of % is lost', projection USING ERRCODE = 'ES102';
    END IF;
    PERFORM set_config('transaction_timeout',
                       (1000 * greatest(2 * lease, 10))::bigint::text, true);
END
$$;
COMMENT ON FUNCTION projections.advance(
    text, text, integer, bigint, bigint, bigint, bigint, double precision) IS
    'Moves a checkpoint in the transaction that writes its rows, if it is where its holder left it '
    'and the holder''s fencing token still counts; raises ES102 if not.';

-- Waiting for read models ------------------------------------------------------------------------

CREATE FUNCTION projections.arrived(projections text[], positions bigint[], looks integer)
RETURNS TABLE (projection text, reached bigint)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_any boolean;
    slept     text;
BEGIN
    FOR look IN 1..least(looks, 1000) LOOP
        -- CASE keeps the order: hooks are asked about only where the tables are there already.
        SELECT coalesce(bool_or(CASE WHEN c.reached IS NULL THEN true
                                     WHEN c.reached < wanted.position THEN false
                                     ELSE projections.hooks_told(wanted.projection, wanted.position)
                                END), true)
          INTO found_any
          FROM unnest(projections, positions) AS wanted(projection, position)
          LEFT JOIN LATERAL (
               SELECT min(position) AS reached FROM projections.checkpoints AS k
                WHERE k.projection = wanted.projection AND k.build = 'live') AS c ON true;
        EXIT WHEN found_any;
        slept := pg_sleep(0.0009);
    END LOOP;
    RETURN QUERY
    SELECT c.projection, min(c.position) FROM projections.checkpoints AS c
     WHERE c.projection = ANY (projections) AND c.build = 'live' GROUP BY c.projection;
END
$$;
COMMENT ON FUNCTION projections.arrived(text[], bigint[], integer) IS
    'Waits until one of these projections has reached its position in all of its shards and its '
    'hooks were told, for so many looks of a millisecond at most; returns how far each of them is. One that never ran is '
    'missing, and ends the wait.';

-- Another number of shards -----------------------------------------------------------------------

ALTER TABLE projections.checkpoints ADD COLUMN shard_by text COLLATE "C";
COMMENT ON COLUMN projections.checkpoints.shard_by IS
    'The field of payloads by which events were divided into shards; rules that divide by another '
    'one can''t go on from here. Null when it was not divided.';

CREATE FUNCTION projections.reshard(
    projection text, fencing_tokens bigint[], shards integer, shard_by text
)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    common projections.checkpoints;
    tokens bigint[];
    lowest bigint;
    total  bigint;
BEGIN
    SELECT array_agg(c.fencing_token ORDER BY c.shard), min(c.position), max(c.position),
           sum(c.applied)
      INTO tokens, lowest, common.position, total
      FROM (SELECT * FROM projections.checkpoints AS k
             WHERE k.projection = reshard.projection AND k.build = 'live'
             ORDER BY k.shard FOR UPDATE) AS c;
    IF tokens IS DISTINCT FROM fencing_tokens THEN
        RETURN -1;
    END IF;
    IF lowest <> common.position THEN
        RAISE EXCEPTION 'the shards of % are not at one position', projection
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT projection_version INTO common.projection_version
      FROM projections.checkpoints AS k
     WHERE k.projection = reshard.projection AND k.build = 'live' LIMIT 1;
    DELETE FROM projections.checkpoints AS k
     WHERE k.projection = reshard.projection AND k.build = 'live';
    INSERT INTO projections.checkpoints (projection, build, shard, shards, shard_by,
                                         projection_version, position, applied, fencing_token)
    SELECT reshard.projection, 'live', n, reshard.shards,
           CASE WHEN reshard.shards > 1 THEN reshard.shard_by END,
           common.projection_version, common.position, CASE n WHEN 0 THEN total ELSE 0 END,
           (SELECT max(token) + 1 FROM unnest(tokens) AS token)
      FROM generate_series(0, reshard.shards - 1) AS n;
    RETURN common.position;
END
$$;
COMMENT ON FUNCTION projections.reshard(text, bigint[], integer, text) IS
    'Divides a live projection, whose shards the caller holds and has brought to one position, into '
    'another number of shards that nobody holds. Returns that position, or -1 when a lease is lost.';

REVOKE ALL ON FUNCTION
    eventstore.wait_for_news(bigint, integer, integer),
    projections.advance(text, text, integer, bigint, bigint, bigint, bigint, double precision),
    projections.arrived(text[], bigint[], integer),
    projections.reshard(text, bigint[], integer, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.wait_for_news(bigint, integer, integer)
    TO eventstore_projector, eventstore_auditor;
GRANT EXECUTE ON FUNCTION
    projections.advance(text, text, integer, bigint, bigint, bigint, bigint, double precision)
    TO eventstore_projector;
GRANT EXECUTE ON FUNCTION projections.arrived(text[], bigint[], integer) TO eventstore_auditor;
