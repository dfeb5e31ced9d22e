-- name: kept
-- What a stream was folded to: the version of the fold, the stream_version, and the state.
SELECT fold_version, stream_version, state FROM eventstore.snapshots
 WHERE tenant_id = %(tenant)s AND stream_id = %(stream_id)s AND fold = %(fold)s

-- name: save
-- Keeps a state, unless one that is as new is there.
SELECT eventstore.save_snapshot(%(tenant)s, %(stream_id)s, %(fold)s, %(fold_version)s,
                                %(stream_version)s, %(state)s::text::json)

-- name: drop
-- Forgets the snapshots of a stream, or of all.
SELECT eventstore.drop_snapshots(%(tenant)s, %(stream_id)s)
