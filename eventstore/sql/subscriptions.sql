-- name: create
-- Makes a subscription; whether it was not there before.
SELECT eventstore.create_subscription(
    %(tenant)s, %(name)s, %(event_types)s, %(categories)s, %(correlation_id)s, %(tags)s,
    %(after_parked)s, %(max_attempts)s, %(retry_seconds)s, %(lease_seconds)s, %(max_unsettled)s,
    %(start_position)s)

-- name: drop
-- Removes a subscription with all that it knows.
SELECT eventstore.drop_subscription(%(tenant)s, %(name)s, %(forced)s)

-- name: join
-- A lease for a consumer: its fencing token, and how long it lasts without a sign of life.
SELECT token, lease_seconds
  FROM eventstore.join_subscription(%(tenant)s, %(name)s, %(consumer)s)

-- name: leave
-- Ends a lease and gives back what is held under it.
SELECT eventstore.leave_subscription(%(tenant)s, %(name)s, %(token)s)

-- name: settle
-- Acknowledges what was handled, puts back or parks what failed; how many of them were still held.
SELECT eventstore.settle_deliveries(
    %(tenant)s, %(name)s, %(token)s, %(acknowledged)s, %(failures)s)

-- name: wait
-- Waits inside the server until there is something new in the log.
SELECT eventstore.wait_for_deliveries(%(after)s, %(looks)s)

-- name: claim
-- The next events for a consumer.
SELECT position, tenant_id, event_id, stream_id, category, stream_version, event_type,
       schema_version, correlation_id, causation_id, agent, target_agent, retention_class,
       data, data_hash, metadata, occurred_at, recorded_at, tags, failed
  FROM eventstore.claim_deliveries(%(tenant)s, %(name)s, %(token)s, %(room)s, %(max_bytes)s)

-- name: claimed
-- What the claim before it, in the same transaction, had to say besides.
SELECT current_setting('eventstore.claimed')

-- name: resolve
-- Has parked events tried again, or leaves them out; their positions.
SELECT eventstore.resolve_parked(
    %(tenant)s, %(name)s, %(positions)s, %(resolution)s, %(who)s, %(remark)s)

-- name: status
-- How far subscriptions are, and what of them is not settled.
SELECT s.name, s.event_types, s.categories, s.correlation_id, s.tags, s.after_parked,
       s.max_attempts, s.retry_seconds, s.lease_seconds, s.max_unsettled,
       s.start_position, s.read_position, coalesce(d.lowest - 1, s.read_position) AS checkpoint,
       greatest(w.mark - s.read_position, 0) AS unread, d.held, d.waiting, d.parked,
       d.behind_parked, c.consumers, s.created_at, s.created_by
  FROM eventstore.subscriptions AS s
 CROSS JOIN (SELECT eventstore.watermark() AS mark) AS w
 CROSS JOIN LATERAL (
     SELECT min(position) AS lowest, count(*) FILTER (WHERE held_by IS NOT NULL) AS held,
            count(*) FILTER (WHERE held_by IS NULL AND behind IS NULL) AS waiting,
            count(*) FILTER (WHERE behind = position) AS parked,
            count(*) FILTER (WHERE behind < position) AS behind_parked
       FROM eventstore.deliveries
      WHERE tenant_id = s.tenant_id AND subscription = s.name AND position > s.checkpoint) AS d
 CROSS JOIN LATERAL (
     SELECT count(*) AS consumers FROM eventstore.subscription_consumers AS c
      WHERE c.tenant_id = s.tenant_id AND c.subscription = s.name
        AND c.heartbeat_at > clock_timestamp() - make_interval(secs => s.lease_seconds)) AS c
 WHERE s.tenant_id = %(tenant)s AND (%(name)s::text IS NULL OR s.name = %(name)s)
 ORDER BY s.name

-- name: consumers
-- The consumers of a subscription, and what each holds.
SELECT c.consumer, c.token, c.joined_at, c.heartbeat_at,
       c.heartbeat_at > clock_timestamp() - make_interval(secs => s.lease_seconds) AS alive,
       (SELECT count(*) FROM eventstore.deliveries AS d
         WHERE d.tenant_id = c.tenant_id AND d.subscription = c.subscription
           AND d.held_by = c.token) AS held
  FROM eventstore.subscription_consumers AS c
  JOIN eventstore.subscriptions AS s
    ON s.tenant_id = c.tenant_id AND s.name = c.subscription
 WHERE c.tenant_id = %(tenant)s AND c.subscription = %(name)s
 ORDER BY c.token

-- name: parked
-- What a subscription set aside, and how much waits behind each.
SELECT p.subscription, p.position, d.stream_id, e.event_id, e.event_type, p.reason, p.error,
       p.attempts, p.parked_at, p.parked_by,
       (SELECT count(*) FROM eventstore.deliveries AS b
         WHERE b.tenant_id = p.tenant_id AND b.subscription = p.subscription
           AND b.behind = p.position AND b.position > p.position) AS waiting
  FROM eventstore.parked AS p
  JOIN eventstore.deliveries AS d USING (tenant_id, subscription, position)
  LEFT JOIN eventstore.events AS e
    ON e.tenant_id = p.tenant_id AND e.position = p.position
 WHERE p.tenant_id = %(tenant)s AND p.subscription = %(name)s AND p.resolution IS NULL
   AND (%(position)s::bigint IS NULL OR p.position = %(position)s)
   AND p.position > %(after)s
 ORDER BY p.position
 LIMIT %(limit)s

-- name: resolved
-- What became of an event that was parked before, the oldest first.
SELECT parked_at, parked_by, reason, resolution, resolved_at, resolved_by, remark
  FROM eventstore.parked
 WHERE tenant_id = %(tenant)s AND subscription = %(name)s AND position = %(position)s
   AND resolution IS NOT NULL
 ORDER BY parked_at
