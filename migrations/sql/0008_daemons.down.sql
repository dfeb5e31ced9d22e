DROP FUNCTION projections.reshard(text, bigint[], integer, text);
ALTER TABLE projections.checkpoints DROP COLUMN shard_by;
DROP FUNCTION projections.arrived(text[], bigint[], integer);
DROP FUNCTION projections.advance(text, text, integer, bigint, bigint, bigint, bigint, double precision);
DROP FUNCTION eventstore.wait_for_news(bigint, integer, integer);
DROP TABLE projections.daemons;
