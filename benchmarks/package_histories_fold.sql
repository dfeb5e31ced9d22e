-- name: fold
-- The changes of each package among the events of a range, added to its row. One pass over the
-- events, and one order for all that is first or last.
INSERT INTO package_histories AS stored (
    tenant_id, package, changes, releases, latest_release, latest_commit, removed,
    created_at, updated_at, position)
SELECT tenant_id, package, count(*), count(release),
       (array_agg(release ORDER BY position DESC) FILTER (WHERE release IS NOT NULL))[1],
       (array_agg(commit ORDER BY position DESC))[1],
       (array_agg(event_type = 'bench.package_removed' ORDER BY position DESC))[1],
       (array_agg(occurred_at ORDER BY position DESC))[count(*)],
       (array_agg(occurred_at ORDER BY position DESC))[1],
       max(position)
  FROM events, json_to_record(data) AS said(package text, commit text, release text)
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
