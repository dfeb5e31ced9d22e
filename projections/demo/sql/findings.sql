-- name: events
-- How many events some runs have.
SELECT count(*) FROM eventstore.events
 WHERE tenant_id = %(tenant)s AND correlation_id = ANY (%(runs)s)

-- name: packages
-- How many packages of an order stand at each status.
SELECT p.status, count(*)
  FROM projections.packages AS p
 WHERE p.tenant_id = %(tenant)s
   AND p.id IN (SELECT i.package_id FROM projections.work_items AS i
                 WHERE i.tenant_id = %(tenant)s AND i.work_order_id = %(order_id)s)
 GROUP BY p.status ORDER BY p.status

-- name: work_items
-- How many items of an order stand at each status.
SELECT status, count(*) FROM projections.work_items
 WHERE tenant_id = %(tenant)s AND work_order_id = %(order_id)s
 GROUP BY status ORDER BY status

-- name: items
-- Every item of an order, with its package and its last approval, in the order's own order.
SELECT i.id, i.status, i.content, i.attempts, i.package_id, p.status, a.decision, a.position,
       a.escalated
  FROM projections.work_items AS i
  LEFT JOIN projections.packages AS p ON p.tenant_id = i.tenant_id AND p.id = i.package_id
  LEFT JOIN LATERAL (
       SELECT e.decision, e.position,
              count(*) FILTER (WHERE e.decision = 'ESCALATED') OVER () > 0 AS escalated
         FROM projections.approval_events AS e
        WHERE e.tenant_id = i.tenant_id AND e.work_item_id = i.id
        ORDER BY e.position DESC LIMIT 1) AS a ON true
 WHERE i.tenant_id = %(tenant)s AND i.work_order_id = %(order_id)s
 ORDER BY (i.content ->> 'number')::integer

-- name: trust_levels
-- How far some agents are trusted now.
SELECT agent_id, level, score, decisions, approved, rejected
  FROM projections.trust_levels
 WHERE tenant_id = %(tenant)s AND agent_id = ANY (%(agents)s)
 ORDER BY array_position(%(agents)s, agent_id)

-- name: trust_metrics
-- What was measured of some agents' work in some sessions.
SELECT agent_id, metric_type, count(*) AS measured, min(metric_value) AS lowest,
       avg(metric_value) AS mean, max(metric_value) AS highest
  FROM projections.trust_metrics
 WHERE tenant_id = %(tenant)s AND session_id = ANY (%(sessions)s)
 GROUP BY agent_id, metric_type
 ORDER BY array_position(%(agents)s, agent_id), metric_type
