-- name: identity
-- Which database this is: of which cluster, and which one of it.
SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())
  FROM pg_control_system()
