-- The plans of these functions are kept, and the planner takes an array for ten elements: it would
-- compare each stream of a batch with each other one (measured: most of the time of a batch that
-- touches hundreds of streams). Without nested loops it hashes them. Runs as eventstore_owner.
ALTER FUNCTION eventstore.lock_streams(text, text[]) SET enable_nestloop = off;
ALTER FUNCTION eventstore.decide(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json)
    SET enable_nestloop = off;
