-- name: partitions
-- The partitions by class and month; estimated_events is NULL until the server has looked.
SELECT relation::oid AS relation, name, retention_class, from_time, until_time, sealed,
       nullif(estimated_events, -1) AS estimated_events, bytes
  FROM eventstore.partitions
 ORDER BY retention_class, from_time

-- name: gaps
-- The coming months that have no partition.
SELECT retention_class, month FROM eventstore.partition_gaps() ORDER BY month, retention_class

-- name: ensure
-- Creates the missing partitions of this month and the coming ones.
SELECT eventstore.ensure_partitions(%(months_ahead)s)

-- name: seal
-- Notes the positions of each closed month on its partition, so that reads can skip it.
SELECT eventstore.seal_partitions()
