-- Folded streams, kept so that a long stream need not be folded again from its first event. Runs as
-- eventstore_owner.

CREATE TABLE eventstore.snapshots (
    tenant_id      varchar(128) COLLATE "C" NOT NULL,
    stream_id      varchar(255) COLLATE "C" NOT NULL,
    fold           varchar(255) COLLATE "C" NOT NULL,
    fold_version   varchar(64) COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    state          json NOT NULL,
    saved_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, stream_id, fold)
);
COMMENT ON TABLE eventstore.snapshots IS
    'What streams fold to, as of some stream_version. Disposable: whoever finds none, or one of '
    'another fold_version, folds the stream from its first event.';
COMMENT ON COLUMN eventstore.snapshots.tenant_id IS 'The tenant that owns the stream.';
COMMENT ON COLUMN eventstore.snapshots.stream_id IS 'The stream that was folded.';
COMMENT ON COLUMN eventstore.snapshots.fold IS 'Import path of the class of the state.';
COMMENT ON COLUMN eventstore.snapshots.fold_version IS
    'Version that the class declares, and a digest of the form of its state.';
COMMENT ON COLUMN eventstore.snapshots.stream_version IS 'The last event that is in the state.';
COMMENT ON COLUMN eventstore.snapshots.state IS 'The state, as pydantic writes it.';
COMMENT ON COLUMN eventstore.snapshots.saved_at IS 'When it was saved, by the database''s clock.';
SELECT eventstore.protect_tenants('eventstore.snapshots');
GRANT SELECT ON eventstore.snapshots
    TO eventstore_projector, eventstore_archiver, eventstore_auditor;

-- Saves a state unless one that is as new is there. It can't be ahead of its stream. Raises ES003
-- when the login may not write for the tenant.
CREATE FUNCTION eventstore.save_snapshot(
    tenant text, stream_id text, fold text, fold_version text, stream_version bigint, state json
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM eventstore.begin_append(tenant);
    INSERT INTO eventstore.snapshots AS kept
    SELECT save_snapshot.tenant, save_snapshot.stream_id, save_snapshot.fold,
           save_snapshot.fold_version, save_snapshot.stream_version, save_snapshot.state,
           clock_timestamp()
      FROM eventstore.streams AS s
     WHERE s.tenant_id = save_snapshot.tenant AND s.stream_id = save_snapshot.stream_id
       AND s.stream_version >= save_snapshot.stream_version
    ON CONFLICT ON CONSTRAINT snapshots_pkey DO UPDATE
       SET fold_version = excluded.fold_version, stream_version = excluded.stream_version,
           state = excluded.state, saved_at = excluded.saved_at
     WHERE kept.fold_version <> excluded.fold_version
        OR kept.stream_version < excluded.stream_version;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION eventstore.save_snapshot(text, text, text, text, bigint, json) IS
    'Keeps what a stream folds to; answers whether it was newer than what was there.';

CREATE FUNCTION eventstore.drop_snapshots(tenant text, stream_id text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped bigint;
BEGIN
    PERFORM eventstore.begin_append(tenant);
    DELETE FROM eventstore.snapshots AS s
     WHERE s.tenant_id = tenant
       AND (drop_snapshots.stream_id IS NULL OR s.stream_id = drop_snapshots.stream_id);
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION eventstore.drop_snapshots(text, text) IS
    'Forgets the snapshots of a stream, or of all; nothing is lost by it.';

REVOKE ALL ON FUNCTION
    eventstore.save_snapshot(text, text, text, text, bigint, json),
    eventstore.drop_snapshots(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    eventstore.save_snapshot(text, text, text, text, bigint, json),
    eventstore.drop_snapshots(text, text) TO eventstore_appender;
