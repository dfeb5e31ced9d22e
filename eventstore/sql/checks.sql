-- name: missing_roles
-- The parts of the store for which there is no role.
SELECT part FROM unnest(ARRAY['eventstore_owner', 'eventstore_appender', 'eventstore_projector',
                              'eventstore_archiver', 'eventstore_auditor',
                              'eventstore_subscriber']) AS part
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = part)
 ORDER BY part

-- name: open_advisory_functions
-- Functions by which any login could take the locks that readers go by.
SELECT DISTINCT proname FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND (proname LIKE 'pg\_advisory\_%' OR proname LIKE 'pg\_try\_advisory\_%')
   AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
                WHERE grantee = 0 AND privilege_type = 'EXECUTE')
 ORDER BY proname

-- name: cached_sequences
-- Sequences that hand out positions in blocks, which breaks the order of reads.
SELECT schemaname || '.' || sequencename, cache_size FROM pg_sequences
 WHERE schemaname = 'eventstore' AND cache_size <> 1
 ORDER BY 1

-- name: partition_gaps
-- Months, this one and the next, into which nothing could be appended.
SELECT retention_class, to_char(month, 'YYYY-MM') FROM eventstore.partition_gaps()
 ORDER BY 1, 2

-- name: unprotected_tables
-- Tables and partitions without forced row-level security, through which tenants could look.
SELECT c.oid::regclass::text FROM pg_class AS c
 WHERE c.relnamespace IN ('eventstore'::regnamespace, 'projections'::regnamespace)
   AND c.relkind IN ('r', 'p')
   AND c.relname <> 'alembic_version'
   AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
 ORDER BY 1
