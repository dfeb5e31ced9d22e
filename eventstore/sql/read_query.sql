-- name: tagged_positions
-- Where the next events are that a query by tags means, in log order: looked up in event_tags.
SELECT DISTINCT found.position
  FROM json_to_recordset(%(query)s) AS item(types text[], tags text[]),
       eventstore.tagged(%(tenant)s, item.types, item.tags, %(after)s, %(until)s, %(limit)s)
           AS found
 ORDER BY found.position
 LIMIT %(limit)s

-- name: events_at_positions
-- The events at some of these positions, as far as they are there, in order.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.events
 WHERE position = ANY (%(positions)s::bigint[])
 ORDER BY position

-- name: mixed_page
-- A page of the events that a query means of which a part has no tag: a walk through the log.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.events AS e
 WHERE position > %(after)s AND position <= %(until)s
   AND tenant_id = %(tenant)s
   AND EXISTS (SELECT FROM json_to_recordset(%(query)s) AS item(types text[], tags text[])
                WHERE (item.types IS NULL OR e.event_type = ANY (item.types))
                  AND (item.tags IS NULL OR e.tags @> item.tags COLLATE "C"))
 ORDER BY position
 LIMIT %(limit)s
