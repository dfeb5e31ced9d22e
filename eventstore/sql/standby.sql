-- name: bound_slots
-- A standby that is gone for good must not fill the primary's disk.
ALTER SYSTEM SET max_slot_wal_keep_size = '2GB'

-- name: reload
-- Has the server read its settings again.
SELECT pg_reload_conf()

-- name: drop_slot
-- Forgets what an earlier standby had yet to replay.
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
 WHERE slot_name = %(slot)s AND NOT active
