-- name: info
-- A stream's row, its first and its last event, and the events that close and describe it.
SELECT s.stream_version, s.closed_at, first.recorded_at, last.recorded_at, last.position,
       CASE WHEN s.closed_at IS NOT NULL THEN last.agent END,
       CASE WHEN s.closed_at IS NOT NULL THEN last.data END,
       describing.data
  FROM eventstore.streams AS s
  LEFT JOIN eventstore.events AS first
    ON first.tenant_id = s.tenant_id AND first.stream_id = s.stream_id
   AND first.stream_version = 1
  LEFT JOIN eventstore.events AS last
    ON last.tenant_id = s.tenant_id AND last.stream_id = s.stream_id
   AND last.stream_version = s.stream_version
  LEFT JOIN eventstore.events AS describing
    ON describing.tenant_id = s.tenant_id AND describing.stream_id = s.stream_id
   AND describing.stream_version = s.described_in
 WHERE s.tenant_id = %(tenant)s AND s.stream_id = %(stream_id)s AND s.stream_version > 0

-- name: read_only
-- Whether nothing can be written here: a standby, or a session that was told so.
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'

-- name: count
-- Counts a step of a tenant's events; how far it is, and the watermark.
SELECT counted_to, watermark FROM eventstore.count_events(%(tenant)s, %(step)s)

-- name: count_all
-- Counts a step of every tenant's events; how far it is, and the watermark.
SELECT counted_to, watermark FROM eventstore.count_all_events(%(step)s)

-- name: counts
-- Events and streams by category and type, up to a watermark read before.
SELECT category, event_type, retention_class, events, streams, counted_to
  FROM eventstore.counts_until(%(tenant)s, %(until)s)

-- name: runs
-- The runs whose last event lies in a window of positions, the newest first, each with the number
-- of its events, from the index of correlations.
WITH latest AS (
    SELECT DISTINCT ON (correlation_id) correlation_id, position, recorded_at
      FROM eventstore.events
     WHERE tenant_id = %(tenant)s AND position >= %(from)s AND position < %(before)s
     ORDER BY correlation_id, position DESC
), page AS (
    SELECT l.* FROM latest AS l
     WHERE NOT EXISTS (SELECT FROM eventstore.events AS later
                        WHERE later.tenant_id = %(tenant)s
                          AND later.correlation_id = l.correlation_id
                          AND later.position >= %(before)s AND later.position <= %(until)s)
     ORDER BY l.position DESC LIMIT %(limit)s
)
SELECT p.correlation_id, c.events, c.first_position, p.position, p.recorded_at
  FROM page AS p
 CROSS JOIN LATERAL (
       SELECT count(*) AS events, min(e.position) AS first_position
         FROM eventstore.events AS e
        WHERE e.tenant_id = %(tenant)s AND e.correlation_id = p.correlation_id
          AND e.position <= p.position
       ) AS c
 ORDER BY p.position DESC

-- name: of_correlation
-- The streams that a run has events in, in the order in which it came to them.
SELECT stream_id, count(*), min(position), max(position)
  FROM eventstore.events
 WHERE tenant_id = %(tenant)s AND correlation_id = %(correlation_id)s
 GROUP BY stream_id
 ORDER BY 3
 LIMIT %(limit)s

-- name: of_tag
-- The streams that have events with a tag, in the order of the first ones.
SELECT e.stream_id, count(*), min(e.position), max(e.position)
  FROM eventstore.event_tags AS t
  JOIN eventstore.events AS e ON e.position = t.position AND e.tenant_id = t.tenant_id
 WHERE t.tenant_id = %(tenant)s AND t.tag = %(tag)s
 GROUP BY e.stream_id
 ORDER BY 3
 LIMIT %(limit)s
