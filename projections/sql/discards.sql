-- name: tenants
-- The tenants that have a stream of some name. Its index begins with the tenant, so this steps from
-- one tenant to the next, with a probe for each, rather than through all streams.
WITH RECURSIVE tenant (id) AS (
    SELECT min(tenant_id) FROM eventstore.streams
    UNION ALL
    SELECT (SELECT min(tenant_id) FROM eventstore.streams WHERE tenant_id > tenant.id)
      FROM tenant WHERE tenant.id IS NOT NULL
)
SELECT stream.tenant_id
  FROM tenant
  JOIN eventstore.streams AS stream
    ON stream.tenant_id = tenant.id AND stream.stream_id = %(stream_id)s
