-- Removes shards and held events. A projection that has either goes back to its start, because one
-- checkpoint alone would not tell what its rows hold; a rebuild makes it anew.
DELETE FROM projections.checkpoints AS c
 WHERE c.shards > 1
    OR EXISTS (SELECT FROM projections.failures AS f
                WHERE f.projection = c.projection AND f.build = c.build);
UPDATE projections.checkpoints SET state = 'stopped', holder = NULL WHERE state = 'paused';
DROP TABLE projections.failures;
ALTER TABLE projections.checkpoints
    DROP COLUMN shards,
    DROP CONSTRAINT checkpoints_state_check,
    ADD CONSTRAINT checkpoints_state_check CHECK (state IN ('running', 'stopped', 'failed')),
    DROP CONSTRAINT checkpoints_check,
    ADD CONSTRAINT checkpoints_check CHECK (state <> 'failed' OR last_error IS NOT NULL),
    DROP CONSTRAINT checkpoints_check1,
    ADD CONSTRAINT checkpoints_check1 CHECK (state = 'running' OR holder IS NULL);
COMMENT ON COLUMN projections.checkpoints.state IS
    'running (held), stopped (free), or failed: last_error has to be cured first.';
DROP FUNCTION eventstore.shard_of(text, integer);
