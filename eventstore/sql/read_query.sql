-- name: tagged_positions
-- Where the next events are that a query by tags means, in log order: looked up in event_tags.
SELECT DISTINCT found.position
  FROM json_to_recordset(%(query)s) AS item(types text[], tags text[]),
       eventstore.tagged(%(tenant)s, item.types, item.tags, %(after)s, %(until)s, %(limit)s)
           AS found
 ORDER BY found.position
 LIMIT %(limit)s

-- name: query_page
-- A page of the events that a query means of which a part has no tag: a walk through the log.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM eventstore.log_page(%(tenant)s, %(after)s, %(until)s, %(limit)s, query => %(query)s)
