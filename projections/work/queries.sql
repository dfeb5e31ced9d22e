-- name: order
-- A work order with its progress and its items, the oldest first, in one answer.
SELECT json_build_object(
    'order', (SELECT to_json(x) FROM (
        SELECT o.id, o.title, o.status, o.priority, o.metadata, o.item_count, o.finished_count,
               o.created_at, o.updated_at) AS x),
    'items', coalesce((
        SELECT json_agg(x) FROM (
            SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent,
                   i.package_id, i.created_at, i.updated_at
              FROM work_items AS i
             WHERE i.tenant_id = o.tenant_id AND i.work_order_id = o.id
             ORDER BY i.created_at, i.id LIMIT %(parts)s) AS x), '[]'),
    'runs', coalesce((
        SELECT json_agg(x) FROM (
            SELECT r.id, r.workflow_template_id, r.work_order_id, r.status, r.started_at, r.ended_at
              FROM runs AS r
             WHERE r.tenant_id = o.tenant_id AND r.work_order_id = o.id
             ORDER BY r.started_at DESC, r.id DESC LIMIT %(parts)s) AS x), '[]'))
  FROM work_orders AS o
 WHERE o.tenant_id = %(tenant)s AND o.id = %(work_order_id)s

-- name: orders
-- The work orders of a status and a priority, the oldest first.
SELECT to_json(x) FROM (
    SELECT o.id, o.title, o.status, o.priority, o.metadata, o.item_count, o.finished_count,
           o.created_at, o.updated_at
      FROM work_orders AS o
     WHERE o.tenant_id = %(tenant)s AND o.status = %(status)s AND o.priority = %(priority)s
       AND (%(after_id)s::uuid IS NULL
            OR (o.created_at, o.id) > (%(after_created)s, %(after_id)s))
     ORDER BY o.created_at, o.id LIMIT %(limit)s) AS x

-- name: items_of_order
-- The items of a work order, the oldest first.
SELECT to_json(x) FROM (
    SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent, i.package_id,
           i.created_at, i.updated_at
      FROM work_items AS i
     WHERE i.tenant_id = %(tenant)s AND i.work_order_id = %(work_order_id)s
       AND (%(after_id)s::uuid IS NULL
            OR (i.created_at, i.id) > (%(after_created)s, %(after_id)s))
     ORDER BY i.created_at, i.id LIMIT %(limit)s) AS x

-- name: items
-- The work items of a status, the oldest first.
SELECT to_json(x) FROM (
    SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent, i.package_id,
           i.created_at, i.updated_at
      FROM work_items AS i
     WHERE i.tenant_id = %(tenant)s AND i.status = %(status)s
       AND (%(after_id)s::uuid IS NULL
            OR (i.created_at, i.id) > (%(after_created)s, %(after_id)s))
     ORDER BY i.created_at, i.id LIMIT %(limit)s) AS x

-- name: items_of_type
-- The work items of a status and a type, the oldest first.
SELECT to_json(x) FROM (
    SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent, i.package_id,
           i.created_at, i.updated_at
      FROM work_items AS i
     WHERE i.tenant_id = %(tenant)s AND i.status = %(status)s AND i.type = %(type)s
       AND (%(after_id)s::uuid IS NULL
            OR (i.created_at, i.id) > (%(after_created)s, %(after_id)s))
     ORDER BY i.created_at, i.id LIMIT %(limit)s) AS x

-- name: items_of_agent
-- The work items of a status that are an agent's, the oldest first.
SELECT to_json(x) FROM (
    SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent, i.package_id,
           i.created_at, i.updated_at
      FROM work_items AS i
     WHERE i.tenant_id = %(tenant)s AND i.assigned_agent = %(agent_id)s AND i.status = %(status)s
       AND (%(after_id)s::uuid IS NULL
            OR (i.created_at, i.id) > (%(after_created)s, %(after_id)s))
     ORDER BY i.created_at, i.id LIMIT %(limit)s) AS x

-- name: items_of_package
-- The work items that are about a package, by id.
SELECT to_json(x) FROM (
    SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent, i.package_id,
           i.created_at, i.updated_at
      FROM work_items AS i
     WHERE i.tenant_id = %(tenant)s AND i.package_id = %(package_id)s
       AND (%(after)s::uuid IS NULL OR i.id > %(after)s)
     ORDER BY i.id LIMIT %(limit)s) AS x

-- name: next_items
-- What an agent should take next: of what waits longest, its own and nobody's, the most urgent.
SELECT to_json(x) FROM (
    SELECT i.*
      FROM (SELECT w.id, w.work_order_id, w.type, w.status, w.attempts, w.assigned_agent,
                   w.package_id, w.created_at, w.updated_at,
                   (SELECT o.priority FROM work_orders AS o
                     WHERE o.tenant_id = w.tenant_id AND o.id = w.work_order_id) AS priority
              FROM ((SELECT * FROM work_items AS own
                      WHERE own.tenant_id = %(tenant)s AND own.assigned_agent = %(agent_id)s
                        AND own.status = 'QUEUED'
                        AND (%(type)s::text IS NULL OR own.type = %(type)s)
                      ORDER BY own.created_at, own.id LIMIT %(looked_at)s)
                     UNION ALL
                    (SELECT * FROM work_items AS free
                      WHERE free.tenant_id = %(tenant)s AND free.assigned_agent IS NULL
                        AND free.status = 'QUEUED'
                        AND (%(type)s::text IS NULL OR free.type = %(type)s)
                      ORDER BY free.created_at, free.id LIMIT %(looked_at)s)) AS w) AS i
     ORDER BY array_position(ARRAY['URGENT', 'HIGH', 'MEDIUM', 'LOW'], i.priority),
              i.created_at, i.id
     LIMIT %(limit)s) AS x

-- name: item
-- A work item with its attempts and what was held of it, in one answer.
SELECT json_build_object(
    'item', (SELECT to_json(x) FROM (
        SELECT i.id, i.work_order_id, i.type, i.status, i.attempts, i.assigned_agent, i.package_id,
               i.created_at, i.updated_at) AS x),
    'content', i.content,
    'attempts', coalesce((
        SELECT json_agg(x) FROM (
            SELECT a.id, a.work_item_id, a.attempt_no, a.agent_id, a.status, a.input, a.output,
                   a.error, a.started_at, a.ended_at, a.duration_ms
              FROM attempts AS a
             WHERE a.tenant_id = i.tenant_id AND a.work_item_id = i.id
             ORDER BY a.attempt_no DESC LIMIT %(parts)s) AS x), '[]'),
    'approvals', coalesce((
        SELECT json_agg(x) FROM (
            SELECT e.id, e.work_item_id, e.approver, e.decision, e.reason, e.policy_version,
                   e.decided_at
              FROM approval_events AS e
             WHERE e.tenant_id = i.tenant_id AND e.work_item_id = i.id
             ORDER BY e.position DESC LIMIT %(parts)s) AS x), '[]'),
    'evaluations', coalesce((
        SELECT json_agg(x) FROM (
            SELECT e.id, e.work_item_id, e.evaluator, e.score, e.passed, e.details, e.created_at,
                   e.position
              FROM eval_results AS e
             WHERE e.tenant_id = i.tenant_id AND e.work_item_id = i.id
             ORDER BY e.position DESC LIMIT %(parts)s) AS x), '[]'))
  FROM work_items AS i
 WHERE i.tenant_id = %(tenant)s AND i.id = %(work_item_id)s

-- name: attempts
-- The attempts at an item, the newest first.
SELECT to_json(x) FROM (
    SELECT a.id, a.work_item_id, a.attempt_no, a.agent_id, a.status, a.input, a.output, a.error,
           a.started_at, a.ended_at, a.duration_ms
      FROM attempts AS a
     WHERE a.tenant_id = %(tenant)s AND a.work_item_id = %(work_item_id)s
       AND (%(before)s::integer IS NULL OR a.attempt_no < %(before)s)
     ORDER BY a.attempt_no DESC LIMIT %(limit)s) AS x

-- name: attempts_of_agent
-- The attempts of an agent in a status, the newest first.
SELECT to_json(x) FROM (
    SELECT a.id, a.work_item_id, a.attempt_no, a.agent_id, a.status, a.input, a.output, a.error,
           a.started_at, a.ended_at, a.duration_ms
      FROM attempts AS a
     WHERE a.tenant_id = %(tenant)s AND a.agent_id = %(agent_id)s AND a.status = %(status)s
       AND (%(before_id)s::uuid IS NULL
            OR (a.started_at, a.id) < (%(before_started)s, %(before_id)s))
     ORDER BY a.started_at DESC, a.id DESC LIMIT %(limit)s) AS x

-- name: pending_approvals
-- The items that were passed on to somebody higher, and not decided about since, the newest first.
SELECT to_json(x) FROM (
    SELECT e.id AS approval_id, e.work_item_id, i.work_order_id, i.type, i.status, i.package_id,
           e.approver AS escalated_by, e.reason, e.policy_version, e.decided_at AS since
      FROM approval_events AS e
      JOIN work_items AS i ON i.tenant_id = e.tenant_id AND i.id = e.work_item_id
     WHERE e.tenant_id = %(tenant)s AND e.decision = 'ESCALATED'
       AND NOT EXISTS (
           SELECT FROM approval_events AS later
            WHERE later.tenant_id = e.tenant_id AND later.work_item_id = e.work_item_id
              AND later.position > e.position)
       AND (%(before_id)s::uuid IS NULL
            OR (e.decided_at, e.id) < (%(before_since)s, %(before_id)s))
     ORDER BY e.decided_at DESC, e.id DESC LIMIT %(limit)s) AS x

-- name: approvals_by
-- What an approver decided, the newest first.
SELECT to_json(x) FROM (
    SELECT e.id, e.work_item_id, e.approver, e.decision, e.reason, e.policy_version, e.decided_at
      FROM approval_events AS e
     WHERE e.tenant_id = %(tenant)s AND e.approver = %(approver)s
       AND (%(before_id)s::uuid IS NULL
            OR (e.decided_at, e.id) < (%(before_decided)s, %(before_id)s))
     ORDER BY e.decided_at DESC, e.id DESC LIMIT %(limit)s) AS x

-- name: evaluations
-- What evaluators found of an item, the newest first.
SELECT to_json(x) FROM (
    SELECT e.id, e.work_item_id, e.evaluator, e.score, e.passed, e.details, e.created_at, e.position
      FROM eval_results AS e
     WHERE e.tenant_id = %(tenant)s AND e.work_item_id = %(work_item_id)s
       AND (%(before)s::bigint IS NULL OR e.position < %(before)s)
     ORDER BY e.position DESC LIMIT %(limit)s) AS x

-- name: evaluations_by
-- What an evaluator found, of any item, the newest first.
SELECT to_json(x) FROM (
    SELECT e.id, e.work_item_id, e.evaluator, e.score, e.passed, e.details, e.created_at, e.position
      FROM eval_results AS e
     WHERE e.tenant_id = %(tenant)s AND e.evaluator = %(evaluator)s
       AND (%(before_id)s::uuid IS NULL
            OR (e.created_at, e.id) < (%(before_created)s, %(before_id)s))
     ORDER BY e.created_at DESC, e.id DESC LIMIT %(limit)s) AS x

-- name: remembered_of
-- What agents keep in mind about an item, by id.
SELECT to_json(x) FROM (
    SELECT d.id, d.work_item_id, d.type, d.content, d.metadata, d.created_at
      FROM mem_docs AS d
     WHERE d.tenant_id = %(tenant)s AND d.work_item_id = %(work_item_id)s
       AND (%(after)s::uuid IS NULL OR d.id > %(after)s)
     ORDER BY d.id LIMIT %(limit)s) AS x

-- name: remembered
-- What agents keep in mind, of a type, the newest first.
SELECT to_json(x) FROM (
    SELECT d.id, d.work_item_id, d.type, d.content, d.metadata, d.created_at
      FROM mem_docs AS d
     WHERE d.tenant_id = %(tenant)s AND d.type = %(type)s
       AND (%(before_id)s::uuid IS NULL
            OR (d.created_at, d.id) < (%(before_created)s, %(before_id)s))
     ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s) AS x

-- name: dead_letters
-- The messages that are not dealt with, by source, the oldest first.
SELECT to_json(x) FROM (
    SELECT l.id, l.source, l.event_id, l.payload, l.error, l.retry_count, l.last_retry_at,
           l.created_at
      FROM dead_letters AS l
     WHERE l.tenant_id = %(tenant)s AND l.resolved_at IS NULL
       AND (%(source)s::text IS NULL OR l.source = %(source)s)
       AND (%(after_id)s::uuid IS NULL
            OR (l.source, l.created_at, l.id) > (%(after_source)s, %(after_created)s, %(after_id)s))
     ORDER BY l.source, l.created_at, l.id LIMIT %(limit)s) AS x

-- name: dead_letters_of
-- The messages that came from an event, dealt with or not, by id.
SELECT to_json(x) FROM (
    SELECT l.id, l.source, l.event_id, l.payload, l.error, l.retry_count, l.last_retry_at,
           l.created_at
      FROM dead_letters AS l
     WHERE l.tenant_id = %(tenant)s AND l.event_id = %(event_id)s
     ORDER BY l.id LIMIT %(limit)s) AS x

-- name: active_schema
-- The schema that new documents of a type have to obey.
SELECT to_json(x) FROM (
    SELECT s.id, s.document_type, s.schema_version, s.json_schema, s.active
      FROM schemas AS s
     WHERE s.tenant_id = %(tenant)s AND s.document_type = %(document_type)s AND s.active) AS x

-- name: schemas
-- The schemas of a type, the newest first.
SELECT to_json(x) FROM (
    SELECT s.id, s.document_type, s.schema_version, s.json_schema, s.active
      FROM schemas AS s
     WHERE s.tenant_id = %(tenant)s AND s.document_type = %(document_type)s
       AND (%(before)s::integer IS NULL OR s.schema_version < %(before)s)
     ORDER BY s.schema_version DESC LIMIT %(limit)s) AS x

-- name: connectors
-- The connectors by name, with their tools and what these may do.
SELECT to_json(x) FROM (
    SELECT c.id, c.name, c.type, c.status, c.config, c.last_health_check_at, c.health, coalesce((
               SELECT json_agg(y) FROM (
                   SELECT t.id, t.name, t.version, coalesce((
                              SELECT json_agg(z) FROM (
                                  SELECT b.id, b.name, b.scopes
                                    FROM tool_capabilities AS g
                                    JOIN capabilities AS b
                                      ON b.tenant_id = g.tenant_id AND b.id = g.capability_id
                                   WHERE g.tenant_id = t.tenant_id AND g.tool_id = t.id
                                   ORDER BY b.name LIMIT %(parts)s) AS z), '[]') AS capabilities
                     FROM tools AS t
                    WHERE t.tenant_id = c.tenant_id AND t.connector_id = c.id
                    ORDER BY t.name, t.version LIMIT %(parts)s) AS y), '[]') AS tools
      FROM connectors AS c
     WHERE c.tenant_id = %(tenant)s AND (%(after)s::text IS NULL OR c.name > %(after)s)
     ORDER BY c.name LIMIT %(limit)s) AS x

-- name: tools
-- The tools of a name, of any connector, with their schemas, by id.
SELECT to_json(x) FROM (
    SELECT t.id, t.connector_id, t.name, t.version, t.input_schema, t.output_schema
      FROM tools AS t
     WHERE t.tenant_id = %(tenant)s AND t.name = %(name)s
       AND (%(after)s::uuid IS NULL OR t.id > %(after)s)
     ORDER BY t.id LIMIT %(limit)s) AS x

-- name: tools_that_may
-- The tools that are granted the capability of a name, by id.
SELECT to_json(x) FROM (
    SELECT t.id, t.connector_id, t.name, t.version, t.input_schema, t.output_schema
      FROM capabilities AS b
      JOIN tool_capabilities AS g ON g.tenant_id = b.tenant_id AND g.capability_id = b.id
      JOIN tools AS t ON t.tenant_id = g.tenant_id AND t.id = g.tool_id
     WHERE b.tenant_id = %(tenant)s AND b.name = %(capability)s
       AND (%(after)s::uuid IS NULL OR g.tool_id > %(after)s)
     ORDER BY g.tool_id LIMIT %(limit)s) AS x

-- name: newest_template
-- The newest workflow template of a name.
SELECT to_json(x) FROM (
    SELECT w.id, w.name, w.template_version, w.definition
      FROM workflow_templates AS w
     WHERE w.tenant_id = %(tenant)s AND w.name = %(name)s
     ORDER BY w.template_version DESC LIMIT 1) AS x

-- name: runs
-- The runs of a status, the newest first.
SELECT to_json(x) FROM (
    SELECT r.id, r.workflow_template_id, r.work_order_id, r.status, r.started_at, r.ended_at
      FROM runs AS r
     WHERE r.tenant_id = %(tenant)s AND r.status = %(status)s
       AND (%(before_id)s::uuid IS NULL
            OR (r.started_at, r.id) < (%(before_started)s, %(before_id)s))
     ORDER BY r.started_at DESC, r.id DESC LIMIT %(limit)s) AS x

-- name: runs_of_template
-- The runs that follow a workflow template, the newest first.
SELECT to_json(x) FROM (
    SELECT r.id, r.workflow_template_id, r.work_order_id, r.status, r.started_at, r.ended_at
      FROM runs AS r
     WHERE r.tenant_id = %(tenant)s AND r.workflow_template_id = %(workflow_template_id)s
       AND (%(before_id)s::uuid IS NULL
            OR (r.started_at, r.id) < (%(before_started)s, %(before_id)s))
     ORDER BY r.started_at DESC, r.id DESC LIMIT %(limit)s) AS x
