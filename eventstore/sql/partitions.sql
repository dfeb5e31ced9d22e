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

-- name: steps
-- What the partitions of months that are over need next.
SELECT name, step FROM eventstore.partition_steps()

-- name: seal
-- Closes a partition to inserts and states its positions; gives up on a lock after 100 ms.
SELECT eventstore.seal_partition(%(name)s)

-- name: prove
-- Has the server check these positions, beside reads and appends.
SELECT eventstore.prove_partition(%(name)s)

-- name: map
-- Notes its streams and runs, so that reads of others don't open it.
SELECT eventstore.map_partition(%(name)s)

-- name: vacuum
-- Freezes what never changes again, and looks at its values; outside a transaction.
VACUUM (FREEZE, ANALYZE) eventstore.{name}

-- name: note_vacuum
-- Notes that this was done.
SELECT eventstore.note_vacuum(%(name)s)

-- name: detach
-- Takes a partition out without a lock that stops anybody; outside a transaction.
ALTER TABLE eventstore.{parent} DETACH PARTITION eventstore.{name} CONCURRENTLY

-- name: finish_detaching
-- Ends a detachment that was broken off half-way.
ALTER TABLE eventstore.{parent} DETACH PARTITION eventstore.{name} FINALIZE

-- name: attachment
-- The parent of a partition, and whether a detachment of it is half done; no row if it has none.
SELECT parent.relname::text, i.inhdetachpending
  FROM pg_inherits AS i
  JOIN pg_class AS leaf ON leaf.oid = i.inhrelid
  JOIN pg_class AS parent ON parent.oid = i.inhparent
 WHERE leaf.relname = %(name)s AND leaf.relnamespace = 'eventstore'::regnamespace
   AND parent.relnamespace = 'eventstore'::regnamespace AND parent.relname <> 'events'

-- name: attach
-- Attaches a partition that was detached.
SELECT eventstore.attach_partition(%(name)s)
