-- name: store_watermark
-- Stores the watermark for readers of a standby, if it is time.
SELECT eventstore.store_watermark()
