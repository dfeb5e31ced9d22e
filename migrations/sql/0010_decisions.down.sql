DROP FUNCTION eventstore.append_decided(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json,
    text[], bigint[], json, json);
DROP TABLE eventstore.claims;
