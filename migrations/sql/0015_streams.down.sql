-- Takes back 0015_streams. What was said of streams stays in the log, and what is closed stays so.
DROP FUNCTION eventstore.counts_until(text, bigint);
DROP FUNCTION eventstore.count_all_events(integer);
DROP FUNCTION eventstore.add_counts(bigint, bigint, json);
DROP FUNCTION eventstore.count_events(text, integer);
DROP FUNCTION eventstore.mark_stream(
    text, text[], integer[], integer[], bigint[], integer[], uuid[], json);
DROP TABLE eventstore.counted;
DROP TABLE eventstore.event_counts;
ALTER TABLE eventstore.streams DROP COLUMN described_in;
