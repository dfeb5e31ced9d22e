DROP FUNCTION eventstore.import_events(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], text[], smallint[], text[],
    uuid[], uuid[], text[], text[], json[], json[], timestamptz[], text[]);
DROP FUNCTION eventstore.recorded_requests(text, integer[], text[], uuid[], json[]);

-- The former text.
CREATE OR REPLACE FUNCTION eventstore.repeated(
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
