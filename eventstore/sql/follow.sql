-- name: wait_for_news
-- The watermark as soon as it is beyond a position. It stays in the transaction, for the statement
-- that comes with it: that one has a newer snapshot, and so sees all that the watermark promises.
SELECT set_config('eventstore.mark',
                  eventstore.wait_for_news(%(after)s, %(looks)s, %(pause)s)::text, true)

-- name: news
-- What has come up to that watermark, and for each of some fields the shard that the event is in.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags, shards
  FROM (SELECT *,
               sum(octet_length(data::text)) OVER (ROWS UNBOUNDED PRECEDING)
                   - octet_length(data::text) AS bytes_before,
               CASE WHEN %(fields)s::text[] <> '{}' THEN ARRAY(
                   SELECT eventstore.shard_of(data ->> by.field, by.shards)
                     FROM unnest(%(fields)s::text[], %(shards)s::integer[])
                          WITH ORDINALITY AS by (field, shards, ordinal)
                    ORDER BY by.ordinal) END AS shards
          FROM eventstore.log_page(NULL, %(after)s, current_setting('eventstore.mark')::bigint,
                                   %(limit)s, %(event_types)s)) AS page
 WHERE bytes_before < %(max_bytes)s

-- name: page
-- A page of the log in order, of one shard or of all, with a limit on the bytes of its payloads;
-- the event that goes over it is the last.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags
  FROM (SELECT *,
               sum(octet_length(data::text)) OVER (ROWS UNBOUNDED PRECEDING)
                   - octet_length(data::text) AS bytes_before
          FROM eventstore.log_page(NULL, %(after)s, %(until)s, %(limit)s, %(event_types)s,
                                   field => %(field)s, shards => %(shards)s, shard => %(shard)s)
       ) AS page
 WHERE bytes_before < %(max_bytes)s
