-- name: position_at
-- The last position that the log recorded at or before a moment, up to a watermark; 0 for none.
-- Concurrent appends take their time before their position, so positions and times may differ in
-- order by as long as an append takes.
SELECT coalesce(
           (SELECT position FROM eventstore.events
             WHERE recorded_at <= %(moment)s AND position <= %(until)s
             ORDER BY position DESC LIMIT 1), 0)
