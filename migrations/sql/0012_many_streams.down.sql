ALTER FUNCTION eventstore.decide(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json)
    RESET enable_nestloop;
ALTER FUNCTION eventstore.lock_streams(text, text[]) RESET enable_nestloop;
