DROP FUNCTION eventstore.import_events(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], text[], smallint[], text[],
    uuid[], uuid[], text[], text[], json[], json[], timestamptz[], text[]);
DROP FUNCTION eventstore.recorded_requests(text, integer[], text[], uuid[], json[]);
