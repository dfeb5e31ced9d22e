-- name: rows_visible
-- Which packages the projector has made rows of.
SELECT id FROM projections.packages WHERE tenant_id = %(tenant)s AND id = ANY (%(ids)s)

-- name: row_visible
-- Whether the projector has made the row of one package: a number, or null.
SELECT sum(1) FROM projections.packages WHERE tenant_id = 'default' AND id = $1::uuid
