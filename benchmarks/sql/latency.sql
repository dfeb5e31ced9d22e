-- name: rows_visible
-- Which packages the projector has made rows of.
SELECT id FROM projections.packages WHERE tenant_id = %(tenant)s AND id = ANY (%(ids)s)

-- name: row_visible
-- Whether the projector has made the row of one package: a number, or null.
SELECT sum(1) FROM projections.packages WHERE tenant_id = 'default' AND id = $1::uuid

-- name: row_of_peer_visible
-- The same of the read model of a peer.
SELECT sum(1) FROM released_packages WHERE package = $1::uuid

-- name: table_of_peer
-- Whether the peer has made it.
SELECT to_regclass('released_packages') IS NOT NULL
