-- name: replicate
-- Another copy of the first events under another prefix, as if it had been appended: with ids,
-- streams, positions, hashes and times of its own. For a log that nobody else appends to, and
-- whose readers are away or held back. As the superuser, who alone may write here.
WITH source AS (
    SELECT *, replace(data::text, '"package":"' || %(from_prefix)s,
                      '"package":"' || %(to_prefix)s) AS text
      FROM eventstore.events
     WHERE position <= %(until)s
     ORDER BY position
     LIMIT %(limit)s
), copied AS (
    INSERT INTO eventstore.events (
        position, tenant_id, event_id, stream_id, category, stream_version, event_type,
        schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
        data, data_hash, metadata, occurred_at, recorded_at)
    SELECT nextval('eventstore.events_position_seq'), tenant_id, uuidv7(),
           replace(stream_id, 'package-' || %(from_prefix)s, 'package-' || %(to_prefix)s),
           category, stream_version, event_type, schema_version,
           md5(correlation_id::text || %(to_prefix)s)::uuid, causation_id, agent, target_agent,
           retention_class, text::json, sha256(convert_to(text, 'UTF8')), metadata, occurred_at,
           clock_timestamp()
      FROM source
    RETURNING tenant_id, event_id, stream_id, stream_version
), claimed AS (
    INSERT INTO eventstore.event_ids (tenant_id, event_id, stream_id, stream_version)
    SELECT tenant_id, event_id, stream_id, stream_version FROM copied
)
INSERT INTO eventstore.streams (tenant_id, stream_id, stream_version)
SELECT tenant_id, stream_id, max(stream_version) FROM copied GROUP BY tenant_id, stream_id

-- name: tidy
-- What autovacuum does a minute later, done now, so that every round sees the same.
VACUUM ANALYZE
