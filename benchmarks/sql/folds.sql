-- name: fold
-- The rules of benchmarks.packages as SQL: the changes of each package among some events, added
-- to its row. One pass over the events, and one order for all that is first or last.
INSERT INTO public.package_histories AS stored (
    tenant_id, package, changes, releases, latest_release, latest_commit, removed,
    created_at, updated_at, position)
SELECT tenant_id, package, count(*), count(release),
       (array_agg(release ORDER BY position DESC) FILTER (WHERE release IS NOT NULL))[1],
       (array_agg(commit ORDER BY position DESC))[1],
       (array_agg(event_type = 'bench.package_removed' ORDER BY position DESC))[1],
       (array_agg(occurred_at ORDER BY position DESC))[count(*)],
       (array_agg(occurred_at ORDER BY position DESC))[1],
       max(position)
  FROM eventstore.events,
       json_to_record(data) AS said(package text, commit text, release text)
 WHERE position > %(after)s AND position <= %(until)s AND event_type = ANY (%(event_types)s)
 GROUP BY tenant_id, package
ON CONFLICT (tenant_id, package) DO UPDATE
   SET changes = stored.changes + excluded.changes,
       releases = stored.releases + excluded.releases,
       latest_release = coalesce(excluded.latest_release, stored.latest_release),
       latest_commit = excluded.latest_commit,
       removed = excluded.removed,
       updated_at = excluded.updated_at,
       position = excluded.position

-- name: read
-- What a fold outside the database has to see of the events, in order.
SELECT position, tenant_id, event_type, data, occurred_at
  FROM eventstore.events
 WHERE position > %(after)s AND position <= %(until)s AND event_type = ANY (%(event_types)s)
 ORDER BY position

-- name: write
-- Rows that were folded outside, new or changed.
INSERT INTO public.package_histories
SELECT * FROM json_populate_recordset(NULL::public.package_histories, %(rows)s::text::json)
ON CONFLICT (tenant_id, package) DO UPDATE
   SET changes = excluded.changes, releases = excluded.releases,
       latest_release = excluded.latest_release, latest_commit = excluded.latest_commit,
       removed = excluded.removed, updated_at = excluded.updated_at, position = excluded.position

-- name: move_checkpoint
-- In the same transaction as the rows.
UPDATE public.checkpoint SET position = %(until)s WHERE position = %(after)s

-- name: start_again
-- An empty table, and a checkpoint before the first event.
TRUNCATE public.package_histories;
UPDATE public.checkpoint SET position = 0

-- name: commit_lazily
-- Commits of this session answer before they are on disk, as a projector's do.
SET synchronous_commit = off
