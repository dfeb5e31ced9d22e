-- Shards of a projection, and the events that it holds. Runs as eventstore_owner.

-- Shards -----------------------------------------------------------------------------------------

CREATE FUNCTION eventstore.shard_of(key text, shards integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN shards = 1 OR key IS NULL THEN 0
            ELSE ((hashtextextended(key, 0) & 9223372036854775807) % shards)::integer END;
COMMENT ON FUNCTION eventstore.shard_of(text, integer) IS
    'Which of so many shards a key belongs to; 0 for what has no key.';
REVOKE ALL ON FUNCTION eventstore.shard_of(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventstore.shard_of(text, integer)
    TO eventstore_projector, eventstore_auditor;

ALTER TABLE projections.checkpoints
    ADD COLUMN shards smallint NOT NULL DEFAULT 1 CHECK (shards BETWEEN 1 AND 256),
    ADD CONSTRAINT checkpoints_shard_within CHECK (shard < shards),
    DROP CONSTRAINT checkpoints_state_check,
    ADD CONSTRAINT checkpoints_state_check
        CHECK (state IN ('running', 'stopped', 'paused', 'failed')),
    DROP CONSTRAINT checkpoints_check,
    ADD CONSTRAINT checkpoints_check
        CHECK (state NOT IN ('failed', 'paused') OR last_error IS NOT NULL),
    DROP CONSTRAINT checkpoints_check1,
    ADD CONSTRAINT checkpoints_check1 CHECK (state IN ('running', 'paused') OR holder IS NULL);
COMMENT ON COLUMN projections.checkpoints.shards IS
    'How many shards there are; all rows of a build say the same.';
COMMENT ON COLUMN projections.checkpoints.state IS
    'running (held), stopped (free), paused (too many failures: it stays where it is until some are '
    'dealt with), or failed: last_error has to be cured first.';

-- Events that are held ---------------------------------------------------------------------------

CREATE TABLE projections.failures (
    projection text COLLATE "C" NOT NULL,
    build      text COLLATE "C" NOT NULL CHECK (build IN ('live', 'rebuild', 'old')),
    position   bigint NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    event_id   uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    stream_id  text COLLATE "C" NOT NULL,
    keys       text[] COLLATE "C" NOT NULL,
    shard_key  text COLLATE "C",
    behind     bigint CHECK (behind < position),
    origin     text COLLATE "C" CHECK (origin IN ('payload', 'rules', 'database')),
    error      text,
    traceback  text,
    attempts   integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    held_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at   timestamptz,
    retry_at   timestamptz,
    PRIMARY KEY (projection, build, position),
    CHECK ((behind IS NULL) = (error IS NOT NULL)),
    CHECK ((behind IS NULL) = (origin IS NOT NULL))
);
COMMENT ON TABLE projections.failures IS
    'Events that a projection has not applied: those that failed, and those that wait behind them '
    'because they name one of the same rows. Everything else up to the checkpoint is applied.';
COMMENT ON COLUMN projections.failures.projection IS 'Name of the projection.';
COMMENT ON COLUMN projections.failures.build IS 'Which copy of its tables; see checkpoints.build.';
COMMENT ON COLUMN projections.failures.position IS 'eventstore.events.position of the event.';
COMMENT ON COLUMN projections.failures.tenant_id IS 'Whose event it is.';
COMMENT ON COLUMN projections.failures.event_id IS 'eventstore.events.event_id of the event.';
COMMENT ON COLUMN projections.failures.event_type IS 'Type of the event.';
COMMENT ON COLUMN projections.failures.stream_id IS 'Stream of the event.';
COMMENT ON COLUMN projections.failures.keys IS
    'The rows that it names, each as JSON: [table, tenant_id, key column, ...]. When its payload '
    'could not be read these may not be all, so that it also names its whole stream, ["stream", '
    'tenant_id, stream_id], or, in a projection with shards, all of its kind, ["shard", '
    'tenant_id, shard_key].';
COMMENT ON COLUMN projections.failures.shard_key IS
    'The value of the field by which the projection is sharded, as eventstore.shard_of takes it.';
COMMENT ON COLUMN projections.failures.behind IS
    'Position of the failed event that this one waits for; null when it failed itself.';
COMMENT ON COLUMN projections.failures.origin IS
    'What objected: payload (it can''t be decoded), rules, or database (a constraint).';
COMMENT ON COLUMN projections.failures.error IS 'Why it failed.';
COMMENT ON COLUMN projections.failures.traceback IS 'Where in the rules it failed.';
COMMENT ON COLUMN projections.failures.attempts IS 'How often it was tried.';
COMMENT ON COLUMN projections.failures.held_at IS 'Since when it is held.';
COMMENT ON COLUMN projections.failures.tried_at IS 'When it was tried last.';
COMMENT ON COLUMN projections.failures.retry_at IS
    'When it is tried again; null when only a person can help, or when it waits for another.';
CREATE INDEX failures_due ON projections.failures (projection, build, retry_at)
    WHERE retry_at IS NOT NULL;
COMMENT ON INDEX projections.failures_due IS 'What is to be tried again, by when.';

ALTER TABLE projections.failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE projections.failures FORCE ROW LEVEL SECURITY;
CREATE POLICY projector ON projections.failures TO eventstore_projector USING (true);
CREATE POLICY owner ON projections.failures TO eventstore_owner USING (true);
CREATE POLICY own_tenant ON projections.failures FOR SELECT TO eventstore_auditor
    USING (tenant_id = (SELECT eventstore.current_tenant())
           OR (SELECT eventstore.current_tenant()) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON projections.failures TO eventstore_projector;
GRANT SELECT ON projections.failures TO eventstore_auditor;
