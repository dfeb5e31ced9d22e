-- name: keys
-- What can be asked for: configurations, profiles, services and artifacts, the newest first.
SELECT 'configuration', id::text, position FROM projections.workspaces
UNION ALL SELECT 'profile', id, position FROM projections.users
UNION ALL SELECT 'service', id::text, position FROM projections.integration_configs
UNION ALL SELECT 'artifact', id::text, position FROM projections.artifacts
ORDER BY 3 DESC
