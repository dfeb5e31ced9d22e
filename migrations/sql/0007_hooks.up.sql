-- Hooks: what runs after a projection's commits, at least once. Runs as eventstore_owner.

-- How far each hook was told ---------------------------------------------------------------------

CREATE TABLE projections.hooks (
    projection    text COLLATE "C" NOT NULL CHECK (projection ~ '^[a-z][a-z0-9_]{0,39}$'),
    hook          text COLLATE "C" NOT NULL CHECK (hook ~ '^[a-z][a-z0-9_]{0,39}$'),
    shards        smallint NOT NULL CHECK (shards BETWEEN 1 AND 256),
    shard         smallint NOT NULL CHECK (shard >= 0 AND shard < shards),
    position      bigint NOT NULL CHECK (position >= 0),
    told          bigint NOT NULL DEFAULT 0 CHECK (told >= 0),
    fencing_token bigint NOT NULL,
    attempts      integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error    jsonb,
    retry_at      timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (projection, hook, shards, shard),
    CHECK ((attempts = 0) = (last_error IS NULL)),
    CHECK ((attempts = 0) = (retry_at IS NULL))
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE projections.hooks IS
    'The last position that each hook was told of, for each shard of its projection. A hook is '
    'told of what the live tables have applied, by the process that holds the shard.';
COMMENT ON COLUMN projections.hooks.projection IS 'Name of the projection that it follows.';
COMMENT ON COLUMN projections.hooks.hook IS 'Name of the hook.';
COMMENT ON COLUMN projections.hooks.shards IS
    'How many shards the projection had; rows of another number stay until all new ones are there.';
COMMENT ON COLUMN projections.hooks.shard IS 'Which of them.';
COMMENT ON COLUMN projections.hooks.position IS
    'It was told of every event up to here that the tables have applied, but for its backlog.';
COMMENT ON COLUMN projections.hooks.told IS 'Events that it was told of, counted once a success.';
COMMENT ON COLUMN projections.hooks.fencing_token IS
    'Token of the lease under which the position may be moved.';
COMMENT ON COLUMN projections.hooks.attempts IS 'How often in a row it has failed just now.';
COMMENT ON COLUMN projections.hooks.last_error IS
    'Why it failed last: error, traceback, position, failed_at; null once it has succeeded.';
COMMENT ON COLUMN projections.hooks.retry_at IS 'When it is tried again.';
COMMENT ON COLUMN projections.hooks.updated_at IS 'Last change of position or error.';

CREATE TABLE projections.hook_backlog (
    projection text COLLATE "C" NOT NULL,
    hook       text COLLATE "C" NOT NULL,
    position   bigint NOT NULL,
    shard_key  text COLLATE "C",
    PRIMARY KEY (projection, hook, position)
);
COMMENT ON TABLE projections.hook_backlog IS
    'Events that were held and are applied now, and that a hook may have gone past.';
COMMENT ON COLUMN projections.hook_backlog.projection IS 'Name of the projection.';
COMMENT ON COLUMN projections.hook_backlog.hook IS 'Name of the hook that has to be told.';
COMMENT ON COLUMN projections.hook_backlog.position IS 'eventstore.events.position of the event.';
COMMENT ON COLUMN projections.hook_backlog.shard_key IS
    'Tells the shard that it belongs to; see projections.failures.shard_key.';

-- Both lie beside the checkpoints, and are seen and written by the same.
ALTER TABLE projections.hooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE projections.hooks FORCE ROW LEVEL SECURITY;
CREATE POLICY projector ON projections.hooks TO eventstore_projector USING (true);
CREATE POLICY owner ON projections.hooks TO eventstore_owner USING (true);
CREATE POLICY auditor ON projections.hooks FOR SELECT TO eventstore_auditor USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON projections.hooks TO eventstore_projector;
GRANT SELECT ON projections.hooks TO eventstore_auditor;
ALTER TABLE projections.hook_backlog ENABLE ROW LEVEL SECURITY;
ALTER TABLE projections.hook_backlog FORCE ROW LEVEL SECURITY;
CREATE POLICY projector ON projections.hook_backlog TO eventstore_projector USING (true);
CREATE POLICY owner ON projections.hook_backlog TO eventstore_owner USING (true);
CREATE POLICY auditor ON projections.hook_backlog FOR SELECT TO eventstore_auditor USING (true);
GRANT SELECT, INSERT, DELETE ON projections.hook_backlog TO eventstore_projector;
GRANT SELECT ON projections.hook_backlog TO eventstore_auditor;

-- What others ask and say ------------------------------------------------------------------------

-- Whatever a hook's position: it may have read that the event is held, and move past it only later.
CREATE FUNCTION projections.tell_hooks_late(projection text, positions bigint[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO projections.hook_backlog (projection, hook, position, shard_key)
    SELECT DISTINCT f.projection, h.hook, f.position, f.shard_key
      FROM projections.failures AS f JOIN projections.hooks AS h ON h.projection = f.projection
     WHERE f.projection = tell_hooks_late.projection AND f.build = 'live'
       AND f.position = ANY (tell_hooks_late.positions)
    ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION projections.tell_hooks_late(text, bigint[]) IS
    'Whoever puts held events into the live tables calls this in the same transaction, before their '
    'rows leave projections.failures: hooks are then told of them. Not called for a discard.';

CREATE FUNCTION projections.hooks_told(projection text, until bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT EXISTS (
               SELECT FROM projections.hooks AS h JOIN projections.checkpoints AS c
                        ON c.projection = h.projection AND c.shards = h.shards AND c.shard = h.shard
                WHERE h.projection = hooks_told.projection AND c.build = 'live'
                  AND h.position < hooks_told.until)
       AND NOT EXISTS (
               SELECT FROM projections.hook_backlog AS b
                WHERE b.projection = hooks_told.projection AND b.position <= hooks_told.until)
$$;
COMMENT ON FUNCTION projections.hooks_told(text, bigint) IS
    'Whether every hook of a projection was told of all that is applied up to a position, on every '
    'shard; true when it has none. Ask once the checkpoints have passed the position.';

REVOKE ALL ON FUNCTION projections.tell_hooks_late(text, bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.hooks_told(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.tell_hooks_late(text, bigint[]) TO eventstore_projector;
GRANT EXECUTE ON FUNCTION projections.hooks_told(text, bigint)
    TO eventstore_projector, eventstore_auditor;
