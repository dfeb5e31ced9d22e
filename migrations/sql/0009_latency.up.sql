-- Looks for news without a pause, for a moment after there were some. Runs as eventstore_owner.

-- A pause is a millisecond at least, and costs more than that: the server's process and a core go
-- to sleep, and wake up with cold caches. Who has just seen an event may buy that back with
-- processor time. There are at most fifty looks at the locks in a row: an append that takes longer
-- is better waited for asleep.
CREATE FUNCTION eventstore.wait_for_news(after bigint, looks integer, pause integer, brisk integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    positions regclass := 'eventstore.events_position_seq';
    until     timestamptz := clock_timestamp() + least(brisk, 100) * interval '1 millisecond';
    held      integer := 0;
    mark      bigint;
BEGIN
    WHILE held < 50 AND clock_timestamp() < until LOOP
        IF pg_sequence_last_value(positions) > after THEN
            mark := eventstore.watermark();
            IF mark > after THEN
                RETURN mark;
            END IF;
            held := held + 1;
        END IF;
    END LOOP;
    RETURN eventstore.wait_for_news(after, looks, pause);
END
$$;
COMMENT ON FUNCTION eventstore.wait_for_news(bigint, integer, integer, integer) IS
    'As the one without the last argument, which it calls after having looked for so many '
    'milliseconds, a hundred at most, without any pause.';

REVOKE ALL ON FUNCTION eventstore.wait_for_news(bigint, integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.wait_for_news(bigint, integer, integer, integer)
    TO eventstore_projector, eventstore_auditor;
