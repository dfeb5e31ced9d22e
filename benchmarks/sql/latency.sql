-- name: rows_visible
-- Which packages the projector has made rows of.
SELECT id FROM projections.packages WHERE tenant_id = %(tenant)s AND id = ANY (%(ids)s)
