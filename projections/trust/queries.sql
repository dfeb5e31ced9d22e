-- name: standing
-- An agent, how far it is trusted, and what that comes from, in one answer.
SELECT json_build_object(
    'agent', (SELECT to_json(x) FROM (
        SELECT a.agent_id, a.name, a.persona_type, a.capabilities, a.config, a.is_active,
               a.version) AS x),
    'standing', (
        SELECT to_json(x) FROM (
            SELECT l.level, l.score, l.streak, l.decisions, l.approved, l.rejected, l.since
              FROM trust_levels AS l
             WHERE l.tenant_id = a.tenant_id AND l.agent_id = a.agent_id) AS x),
    'changes', coalesce((
        SELECT json_agg(x) FROM (
            SELECT c.event_id, c.agent_id, c.decision_id, c.fact, c.from_level, c.to_level,
                   c.from_score, c.to_score, c.decision_ids, c.changed_at, c.position
              FROM trust_level_changes AS c
             WHERE c.tenant_id = a.tenant_id AND c.agent_id = a.agent_id
             ORDER BY c.position DESC LIMIT %(parts)s) AS x), '[]'),
    'decisions', coalesce((
        SELECT json_agg(x) FROM (
            SELECT d.decision_id, d.session_id, d.decision_type, d.confidence_score,
                   d.user_feedback, d.outcome, d.execution_time_ms, d.created_at
              FROM (SELECT s.session_id FROM agent_sessions AS s
                     WHERE s.tenant_id = a.tenant_id AND s.agent_id = a.agent_id
                     ORDER BY s.started_at DESC LIMIT %(sessions)s) AS newest
             CROSS JOIN LATERAL (
                   SELECT * FROM agent_decisions AS made
                    WHERE made.tenant_id = a.tenant_id AND made.session_id = newest.session_id
                    ORDER BY made.position DESC LIMIT %(parts)s) AS d
             ORDER BY d.created_at DESC, d.decision_id DESC LIMIT %(parts)s) AS x), '[]'))
  FROM agents AS a
 WHERE a.tenant_id = %(tenant)s AND a.agent_id = %(agent_id)s

-- name: level_changes
-- The way of an agent up and down, the newest change first.
SELECT to_json(x) FROM (
    SELECT c.event_id, c.agent_id, c.decision_id, c.fact, c.from_level, c.to_level, c.from_score,
           c.to_score, c.decision_ids, c.changed_at, c.position
      FROM trust_level_changes AS c
     WHERE c.tenant_id = %(tenant)s AND c.agent_id = %(agent_id)s
       AND (%(before)s::bigint IS NULL OR c.position < %(before)s)
     ORDER BY c.position DESC LIMIT %(limit)s) AS x

-- name: agents_at
-- The agents that are trusted so far, the best proven first.
SELECT to_json(x) FROM (
    SELECT l.agent_id, a.name, a.persona_type, a.is_active, l.level, l.score, l.decisions, l.since
      FROM trust_levels AS l
      JOIN agents AS a ON a.tenant_id = l.tenant_id AND a.agent_id = l.agent_id
     WHERE l.tenant_id = %(tenant)s AND l.level = %(level)s
       AND (%(after_agent)s::text IS NULL
            OR (l.score, l.agent_id) < (%(after_score)s, %(after_agent)s))
     ORDER BY l.score DESC, l.agent_id DESC LIMIT %(limit)s) AS x

-- name: agents_of
-- The agents of a persona that are in use, by id.
SELECT to_json(x) FROM (
    SELECT a.agent_id, a.name, a.persona_type, a.capabilities, a.config, a.is_active, a.version
      FROM agents AS a
     WHERE a.tenant_id = %(tenant)s AND a.persona_type = %(persona_type)s AND a.is_active
       AND (%(after)s::text IS NULL OR a.agent_id > %(after)s)
     ORDER BY a.agent_id LIMIT %(limit)s) AS x

-- name: messages
-- The newest messages of a session, the newest first.
SELECT to_json(x) FROM (
    SELECT h.message_id, h.session_id, h.role, h.content, h.message_type, h.parent_message_id,
           h.tokens_used, h.model_used, m.sent_at, m.position
      FROM (SELECT c.tenant_id, c.message_id, c.sent_at, c.position
              FROM conversation_messages AS c
             WHERE c.tenant_id = %(tenant)s AND c.session_id = %(session_id)s
               AND (%(before)s::bigint IS NULL OR c.position < %(before)s)
             ORDER BY c.position DESC LIMIT %(limit)s) AS m
      JOIN conversation_history AS h
        ON h.tenant_id = m.tenant_id AND h.message_id = m.message_id AND h.created_at = m.sent_at
     ORDER BY m.position DESC) AS x

-- name: replies
-- The messages that answer a message, in the order of the log.
SELECT to_json(x) FROM (
    SELECT h.message_id, h.session_id, h.role, h.content, h.message_type, h.parent_message_id,
           h.tokens_used, h.model_used, m.sent_at, m.position
      FROM (SELECT c.tenant_id, c.message_id, c.sent_at, c.position
              FROM conversation_messages AS c
             WHERE c.tenant_id = %(tenant)s AND c.parent_message_id = %(message_id)s
               AND (%(after)s::bigint IS NULL OR c.position > %(after)s)
             ORDER BY c.position LIMIT %(limit)s) AS m
      JOIN conversation_history AS h
        ON h.tenant_id = m.tenant_id AND h.message_id = m.message_id AND h.created_at = m.sent_at
     ORDER BY m.position) AS x

-- name: session
-- A session with its newest decisions, in one answer.
SELECT json_build_object(
    'session', (SELECT to_json(x) FROM (
        SELECT s.session_id, s.agent_id, s.user_id, s.trust_level, s.context, s.started_at,
               s.expires_at, s.ended_at, s.session_state, s.metadata, s.version) AS x),
    'decisions', coalesce((
        SELECT json_agg(x) FROM (
            SELECT d.decision_id, d.session_id, d.decision_type, d.confidence_score,
                   d.user_feedback, d.outcome, d.execution_time_ms, d.created_at
              FROM agent_decisions AS d
             WHERE d.tenant_id = s.tenant_id AND d.session_id = s.session_id
             ORDER BY d.position DESC LIMIT %(parts)s) AS x), '[]'))
  FROM agent_sessions AS s
 WHERE s.tenant_id = %(tenant)s AND s.session_id = %(session_id)s

-- name: open_sessions
-- The active sessions of an agent whose time is not over, those that expire first, first.
SELECT to_json(x) FROM (
    SELECT s.session_id, s.agent_id, s.user_id, s.trust_level, s.context, s.started_at,
           s.expires_at, s.ended_at, s.session_state, s.metadata, s.version
      FROM agent_sessions AS s
     WHERE s.tenant_id = %(tenant)s AND s.agent_id = %(agent_id)s AND s.session_state = 'active'
       AND (s.expires_at > %(at)s OR s.expires_at IS NULL)
     ORDER BY s.expires_at, s.session_id LIMIT %(limit)s) AS x

-- name: sessions_of
-- The sessions of an agent, the newest first.
SELECT to_json(x) FROM (
    SELECT s.session_id, s.agent_id, s.user_id, s.trust_level, s.context, s.started_at,
           s.expires_at, s.ended_at, s.session_state, s.metadata, s.version
      FROM agent_sessions AS s
     WHERE s.tenant_id = %(tenant)s AND s.agent_id = %(agent_id)s
       AND (%(before_id)s::uuid IS NULL
            OR (s.started_at, s.session_id) < (%(before_started)s, %(before_id)s))
     ORDER BY s.started_at DESC, s.session_id DESC LIMIT %(limit)s) AS x

-- name: decision
-- A decision with its reasons, and the levels that it changed.
SELECT json_build_object(
    'decision', (SELECT to_json(x) FROM (
        SELECT d.decision_id, d.session_id, d.decision_type, d.confidence_score, d.user_feedback,
               d.outcome, d.execution_time_ms, d.created_at) AS x),
    'input_context', d.input_context,
    'decision_rationale', d.decision_rationale,
    'action_taken', d.action_taken,
    'changes', coalesce((
        SELECT json_agg(x) FROM (
            SELECT c.event_id, c.agent_id, c.decision_id, c.fact, c.from_level, c.to_level,
                   c.from_score, c.to_score, c.decision_ids, c.changed_at, c.position
              FROM trust_level_changes AS c
             WHERE c.tenant_id = d.tenant_id AND c.decision_id = d.decision_id
             ORDER BY c.position LIMIT %(parts)s) AS x), '[]'))
  FROM agent_decisions AS d
 WHERE d.tenant_id = %(tenant)s AND d.decision_id = %(decision_id)s

-- name: waiting_for_feedback
-- The decisions about which nobody has said anything, the newest first.
SELECT to_json(x) FROM (
    SELECT d.decision_id, d.session_id, d.decision_type, d.confidence_score, d.user_feedback,
           d.outcome, d.execution_time_ms, d.created_at
      FROM agent_decisions AS d
     WHERE d.tenant_id = %(tenant)s AND d.user_feedback IS NULL
       AND (%(before_id)s::uuid IS NULL
            OR (d.created_at, d.decision_id) < (%(before_created)s, %(before_id)s))
     ORDER BY d.created_at DESC, d.decision_id DESC LIMIT %(limit)s) AS x

-- name: decisions_of_type
-- The decisions of a type, of any agent, the newest first.
SELECT to_json(x) FROM (
    SELECT d.decision_id, d.session_id, d.decision_type, d.confidence_score, d.user_feedback,
           d.outcome, d.execution_time_ms, d.created_at
      FROM agent_decisions AS d
     WHERE d.tenant_id = %(tenant)s AND d.decision_type = %(decision_type)s
       AND (%(before_id)s::uuid IS NULL
            OR (d.created_at, d.decision_id) < (%(before_created)s, %(before_id)s))
     ORDER BY d.created_at DESC, d.decision_id DESC LIMIT %(limit)s) AS x

-- name: metrics
-- How an agent measured up in a span of time: by day what is rolled up, and what is not yet.
SELECT json_build_object(
    'agent_id', %(agent_id)s::text, 'metric_type', %(metric_type)s::text,
    'days', coalesce((
        SELECT json_agg(x) FROM (
            SELECT y.day, y.metric_count, y.average, y.minimum, y.maximum
              FROM trust_metrics_daily AS y
             WHERE y.tenant_id = %(tenant)s AND y.agent_id = %(agent_id)s
               AND y.metric_type = %(metric_type)s
               AND y.day >= %(since)s::date AND y.day <= %(until)s::date
             ORDER BY y.day DESC LIMIT %(most)s) AS x), '[]'),
    'metrics', coalesce((
        SELECT json_agg(x) FROM (
            SELECT m.metric_id, m.session_id, m.metric_value, m.measurement_context, m.recorded_at
              FROM trust_metrics AS m
             WHERE m.tenant_id = %(tenant)s AND m.agent_id = %(agent_id)s
               AND m.metric_type = %(metric_type)s
               AND m.recorded_at >= %(since)s AND m.recorded_at <= %(until)s
             ORDER BY m.recorded_at DESC, m.metric_id DESC LIMIT %(most)s) AS x), '[]'))

-- name: metrics_of_session
-- What was measured in a session, by id.
SELECT to_json(x) FROM (
    SELECT m.metric_id, m.session_id, m.agent_id, m.metric_type, m.metric_value,
           m.measurement_context, m.recorded_at
      FROM trust_metrics AS m
     WHERE m.tenant_id = %(tenant)s AND m.session_id = %(session_id)s
       AND (%(after)s::uuid IS NULL OR m.metric_id > %(after)s)
     ORDER BY m.metric_id LIMIT %(limit)s) AS x

-- name: knowledge
-- What an agent knows of a kind, the best proven first.
SELECT to_json(x) FROM (
    SELECT k.knowledge_id, k.agent_id, k.knowledge_type, k.domain, k.content, k.usage_count,
           k.success_rate, k.last_used_at
      FROM agent_knowledge AS k
     WHERE k.tenant_id = %(tenant)s AND k.agent_id = %(agent_id)s
       AND k.knowledge_type = %(knowledge_type)s
       AND (%(after_id)s::uuid IS NULL
            OR (k.success_rate, k.knowledge_id) < (%(after_rate)s, %(after_id)s))
     ORDER BY k.success_rate DESC, k.knowledge_id DESC LIMIT %(limit)s) AS x

-- name: knowledge_about
-- What all agents know about something, by id.
SELECT to_json(x) FROM (
    SELECT k.knowledge_id, k.agent_id, k.knowledge_type, k.domain, k.content, k.usage_count,
           k.success_rate, k.last_used_at
      FROM agent_knowledge AS k
     WHERE k.tenant_id = %(tenant)s AND k.domain = %(domain)s
       AND (%(after)s::uuid IS NULL OR k.knowledge_id > %(after)s)
     ORDER BY k.knowledge_id LIMIT %(limit)s) AS x

-- name: actions_of
-- What an agent did that was audited, the newest first.
SELECT to_json(x) FROM (
    SELECT g.audit_id, g.agent_id, g.session_id, g.action_type, g.action_details, g.risk_level,
           g.user_id, host(g.ip_address) AS ip_address, g.user_agent, g.created_at
      FROM agent_audit_log AS g
     WHERE g.tenant_id = %(tenant)s AND g.agent_id = %(agent_id)s
       AND (%(before_id)s::uuid IS NULL
            OR (g.created_at, g.audit_id) < (%(before_created)s, %(before_id)s))
     ORDER BY g.created_at DESC, g.audit_id DESC LIMIT %(limit)s) AS x

-- name: actions_in
-- What was done in a session that was audited, by id.
SELECT to_json(x) FROM (
    SELECT g.audit_id, g.agent_id, g.session_id, g.action_type, g.action_details, g.risk_level,
           g.user_id, host(g.ip_address) AS ip_address, g.user_agent, g.created_at
      FROM agent_audit_log AS g
     WHERE g.tenant_id = %(tenant)s AND g.session_id = %(session_id)s
       AND (%(after)s::uuid IS NULL OR g.audit_id > %(after)s)
     ORDER BY g.audit_id LIMIT %(limit)s) AS x

-- name: risky_actions
-- What was done at a high or critical risk, by any agent, the newest first.
SELECT to_json(x) FROM (
    SELECT g.audit_id, g.agent_id, g.session_id, g.action_type, g.action_details, g.risk_level,
           g.user_id, host(g.ip_address) AS ip_address, g.user_agent, g.created_at
      FROM agent_audit_log AS g
     WHERE g.tenant_id = %(tenant)s AND g.risk_level IN ('high', 'critical')
       AND g.created_at >= %(since)s
       AND (%(before_id)s::uuid IS NULL
            OR (g.created_at, g.audit_id) < (%(before_created)s, %(before_id)s))
     ORDER BY g.created_at DESC, g.audit_id DESC LIMIT %(limit)s) AS x
