-- name: in_use
-- The package in use of a publisher, name and version, whoever registered it.
SELECT id FROM projections.packages
 WHERE tenant_id = %(tenant)s AND publisher = %(publisher)s AND name = %(name)s
   AND version = %(version)s AND deleted_at IS NULL
