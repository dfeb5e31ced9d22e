-- Takes back 0009. Runs as eventstore_owner.
DROP FUNCTION eventstore.wait_for_news(bigint, integer, integer, integer);
