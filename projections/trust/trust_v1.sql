-- The tables of trust, for projection_version 1 and up. Names without a schema belong to the one that
-- the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. Where an ON DELETE is not written, a parent that has children stays.

CREATE TABLE agents (
    tenant_id    text COLLATE "C" NOT NULL,
    agent_id     text COLLATE "C" NOT NULL CHECK (char_length(agent_id) BETWEEN 1 AND 128),
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    persona_type text COLLATE "C" NOT NULL CHECK (persona_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    capabilities jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(capabilities) = 'object'),
    config       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config) = 'object'),
    is_active    boolean NOT NULL DEFAULT true,
    version      integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, agent_id)
);
COMMENT ON TABLE agents IS 'The agents of every context, and what they can do.';
COMMENT ON COLUMN agents.agent_id IS 'The agent''s name in events, such as analyst.';
COMMENT ON COLUMN agents.name IS 'What people call it.';
COMMENT ON COLUMN agents.persona_type IS
    'What it is for, such as developer, qa, architect.';
COMMENT ON COLUMN agents.capabilities IS 'What it can do.';
COMMENT ON COLUMN agents.config IS 'How it is set up.';
COMMENT ON COLUMN agents.is_active IS 'Whether it may work.';
COMMENT ON COLUMN agents.version IS 'Counts the changes of this row, from 1.';
CREATE INDEX agents_persona ON agents (tenant_id, persona_type) WHERE is_active;
COMMENT ON INDEX agents_persona IS 'The active agents for a purpose.';

CREATE TABLE agent_sessions (
    tenant_id     text COLLATE "C" NOT NULL,
    session_id    uuid NOT NULL,
    agent_id      text COLLATE "C" NOT NULL,
    user_id       text COLLATE "C" CHECK (char_length(user_id) BETWEEN 1 AND 128),
    trust_level   smallint NOT NULL CHECK (trust_level BETWEEN 0 AND 4),
    context       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(context) = 'object'),
    started_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    ended_at      timestamptz,
    session_state text COLLATE "C" NOT NULL
                  CHECK (session_state IN ('active', 'paused', 'completed', 'expired')),
    metadata      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    version       integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    position      bigint NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE RESTRICT,
    CONSTRAINT agent_sessions_ended
        CHECK ((session_state IN ('completed', 'expired')) = (ended_at IS NOT NULL))
);
COMMENT ON TABLE agent_sessions IS
    'Runs of messages and decisions of an agent, for a user or on its own.';
COMMENT ON COLUMN agent_sessions.session_id IS 'session_id of the events.';
COMMENT ON COLUMN agent_sessions.agent_id IS 'Whose session it is.';
COMMENT ON COLUMN agent_sessions.user_id IS
    'For whom: users.id (workspaces); null when for nobody.';
COMMENT ON COLUMN agent_sessions.trust_level IS
    'How far the agent is trusted in it, 0 to 4 (L0 to L4), as granted at its start.';
COMMENT ON COLUMN agent_sessions.context IS 'What the session is about.';
COMMENT ON COLUMN agent_sessions.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN agent_sessions.expires_at IS
    'When its time is over; null when it is not limited.';
COMMENT ON COLUMN agent_sessions.ended_at IS
    'occurred_at of its end; null before.';
COMMENT ON COLUMN agent_sessions.session_state IS
    'active or paused, then completed or expired.';
COMMENT ON COLUMN agent_sessions.metadata IS 'What else is known of the session.';
COMMENT ON COLUMN agent_sessions.version IS 'Counts the changes of this row, from 1.';
COMMENT ON CONSTRAINT agent_sessions_ended ON agent_sessions IS
    'A session has an end exactly when it is completed or expired.';
CREATE INDEX agent_sessions_agent
    ON agent_sessions (tenant_id, agent_id, started_at);
COMMENT ON INDEX agent_sessions_agent IS 'The sessions of an agent, by time.';
CREATE INDEX agent_sessions_active
    ON agent_sessions (tenant_id, agent_id, expires_at)
    WHERE session_state = 'active';
COMMENT ON INDEX agent_sessions_active IS
    'The active sessions, few among many, and when they expire.';

CREATE TABLE agent_decisions (
    tenant_id          text COLLATE "C" NOT NULL,
    decision_id        uuid NOT NULL,
    session_id         uuid NOT NULL,
    decision_type      text COLLATE "C" NOT NULL CHECK (decision_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    input_context      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(input_context) = 'object'),
    decision_rationale text NOT NULL,
    action_taken       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(action_taken) = 'object'),
    confidence_score   double precision CHECK (confidence_score BETWEEN 0 AND 1),
    user_feedback      text COLLATE "C"
                       CHECK (user_feedback IN ('approved', 'rejected', 'modified')),
    outcome            text COLLATE "C"
                       CHECK (outcome IN ('success', 'failure', 'critical_failure')),
    execution_time_ms  bigint CHECK (execution_time_ms >= 0),
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    position           bigint NOT NULL,
    PRIMARY KEY (tenant_id, decision_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES agent_sessions ON DELETE CASCADE
);
COMMENT ON TABLE agent_decisions IS
    'What agents decided, on what grounds, and what came of it.';
COMMENT ON COLUMN agent_decisions.decision_id IS 'decision_id of the events.';
COMMENT ON COLUMN agent_decisions.session_id IS
    'The session, and so the agent, that decided.';
COMMENT ON COLUMN agent_decisions.decision_type IS 'Kind of the decision.';
COMMENT ON COLUMN agent_decisions.input_context IS
    'What the agent had before it: the question, the alternatives.';
COMMENT ON COLUMN agent_decisions.decision_rationale IS
    'Why it decided so, in its words. Sensitive.';
COMMENT ON COLUMN agent_decisions.action_taken IS 'What it chose to do.';
COMMENT ON COLUMN agent_decisions.confidence_score IS
    'How sure it was, 0 to 1; null when it did not say.';
COMMENT ON COLUMN agent_decisions.user_feedback IS
    'The last judgement: approved, rejected or modified; null before the first.';
COMMENT ON COLUMN agent_decisions.outcome IS
    'How it turned out: success, failure or critical_failure; null while unknown.';
COMMENT ON COLUMN agent_decisions.execution_time_ms IS
    'Milliseconds that it took as the agent measured them; null when it did not measure.';
CREATE INDEX agent_decisions_session
    ON agent_decisions (tenant_id, session_id, position);
COMMENT ON INDEX agent_decisions_session IS 'The decisions of a session, by last change.';
CREATE INDEX agent_decisions_type
    ON agent_decisions (tenant_id, decision_type, created_at);
COMMENT ON INDEX agent_decisions_type IS 'The decisions of a kind, by time.';

CREATE TABLE trust_metrics (
    tenant_id           text COLLATE "C" NOT NULL,
    metric_id           uuid NOT NULL,
    session_id          uuid NOT NULL,
    agent_id            text COLLATE "C" NOT NULL,
    metric_type         text COLLATE "C" NOT NULL
                        CHECK (metric_type IN ('accuracy', 'autonomy', 'complexity')),
    metric_value        double precision NOT NULL,
    measurement_context jsonb NOT NULL DEFAULT '{}'
                        CHECK (jsonb_typeof(measurement_context) = 'object'),
    recorded_at         timestamptz NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    position            bigint NOT NULL,
    PRIMARY KEY (tenant_id, metric_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES agent_sessions,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents,
    CONSTRAINT trust_metrics_range CHECK (
        metric_value BETWEEN 0 AND CASE metric_type WHEN 'complexity' THEN 10 ELSE 100 END)
);
COMMENT ON TABLE trust_metrics IS 'Measured properties of agents'' work.';
COMMENT ON COLUMN trust_metrics.metric_id IS 'metric_id of the event.';
COMMENT ON COLUMN trust_metrics.session_id IS 'The session that was measured.';
COMMENT ON COLUMN trust_metrics.agent_id IS 'The agent that was measured.';
COMMENT ON COLUMN trust_metrics.metric_type IS 'accuracy, autonomy or complexity.';
COMMENT ON COLUMN trust_metrics.metric_value IS
    '0 to 100 for accuracy and autonomy, 0 to 10 for complexity.';
COMMENT ON COLUMN trust_metrics.measurement_context IS 'How and on what it was measured.';
COMMENT ON COLUMN trust_metrics.recorded_at IS
    'When it was measured: occurred_at of the event.';
COMMENT ON CONSTRAINT trust_metrics_range ON trust_metrics IS
    'Each type has a range of its own.';
CREATE INDEX trust_metrics_agent
    ON trust_metrics (tenant_id, agent_id, metric_type, recorded_at);
COMMENT ON INDEX trust_metrics_agent IS 'One metric of an agent, by time.';
CREATE INDEX trust_metrics_session ON trust_metrics (tenant_id, session_id);
COMMENT ON INDEX trust_metrics_session IS 'The metrics of a session.';

CREATE TABLE trust_levels (
    tenant_id  text COLLATE "C" NOT NULL,
    agent_id   text COLLATE "C" NOT NULL,
    level      smallint NOT NULL CHECK (level BETWEEN 0 AND 4),
    score      double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    streak     integer NOT NULL DEFAULT 0 CHECK (streak >= 0),
    decisions  bigint NOT NULL DEFAULT 0 CHECK (decisions >= 0),
    approved   bigint NOT NULL DEFAULT 0 CHECK (approved >= 0),
    rejected   bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    since      timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents,
    CONSTRAINT trust_levels_judged CHECK (approved + rejected <= decisions)
);
COMMENT ON TABLE trust_levels IS
    'How far each agent is trusted now: the result of one rule over its judged decisions.';
COMMENT ON COLUMN trust_levels.agent_id IS 'The agent.';
COMMENT ON COLUMN trust_levels.level IS '0 to 4 (L0 to L4).';
COMMENT ON COLUMN trust_levels.score IS
    'How sure we are of the agent on its level, 0 to 1; at 1 it goes a level up.';
COMMENT ON COLUMN trust_levels.streak IS
    'Successful decisions in a row since the score was last raised.';
COMMENT ON COLUMN trust_levels.decisions IS 'Decisions that the agent has made.';
COMMENT ON COLUMN trust_levels.approved IS
    'Decisions whose last feedback is approved.';
COMMENT ON COLUMN trust_levels.rejected IS
    'Decisions whose last feedback is rejected.';
COMMENT ON COLUMN trust_levels.since IS
    'occurred_at of the event that put the agent on this level.';
COMMENT ON CONSTRAINT trust_levels_judged ON trust_levels IS
    'A decision counts once, however often it is judged.';
CREATE INDEX trust_levels_level ON trust_levels (tenant_id, level, score);
COMMENT ON INDEX trust_levels_level IS 'The agents on a level, by score.';

CREATE TABLE conversation_history (
    tenant_id         text COLLATE "C" NOT NULL,
    message_id        uuid NOT NULL,
    session_id        uuid NOT NULL,
    role              text COLLATE "C" NOT NULL CHECK (role IN ('user', 'agent', 'system')),
    content           text NOT NULL,
    message_type      text COLLATE "C" NOT NULL
                      CHECK (message_type IN ('text', 'code', 'command', 'file')),
    parent_message_id uuid,
    tokens_used       bigint CHECK (tokens_used >= 0),
    model_used        text CHECK (char_length(model_used) BETWEEN 1 AND 255),
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    position          bigint NOT NULL,
    PRIMARY KEY (tenant_id, message_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES agent_sessions,
    FOREIGN KEY (tenant_id, parent_message_id) REFERENCES conversation_history
);
COMMENT ON TABLE conversation_history IS
    'What was said in sessions: messages, and the findings and reflections of agents.';
COMMENT ON COLUMN conversation_history.message_id IS 'message_id of the event.';
COMMENT ON COLUMN conversation_history.session_id IS 'The session in which it was said.';
COMMENT ON COLUMN conversation_history.role IS 'Who said it: user, agent or system.';
COMMENT ON COLUMN conversation_history.content IS 'What was said.';
COMMENT ON COLUMN conversation_history.message_type IS 'text, code, command or file.';
COMMENT ON COLUMN conversation_history.parent_message_id IS
    'The message that it answers; null when it answers none.';
COMMENT ON COLUMN conversation_history.tokens_used IS
    'Tokens that the model took for it; null when unknown.';
COMMENT ON COLUMN conversation_history.model_used IS
    'The model that wrote it; null when none did.';
CREATE INDEX conversation_history_session
    ON conversation_history (tenant_id, session_id, position);
COMMENT ON INDEX conversation_history_session IS
    'The messages of a session in log order; read backwards, the newest.';
CREATE INDEX conversation_history_parent
    ON conversation_history (tenant_id, parent_message_id)
    WHERE parent_message_id IS NOT NULL;
COMMENT ON INDEX conversation_history_parent IS 'The answers to a message.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'agents', 'agent_sessions', 'agent_decisions',
        'trust_metrics', 'trust_levels', 'conversation_history'
    ] LOOP
        EXECUTE format('COMMENT ON COLUMN %I.tenant_id IS %L', name,
                       'The tenant that owns the row.');
        EXECUTE format('COMMENT ON COLUMN %I.created_at IS %L', name,
                       'occurred_at of the event that made the row.');
        EXECUTE format('COMMENT ON COLUMN %I.updated_at IS %L', name,
                       'occurred_at of the last event that touched the row.');
        EXECUTE format('COMMENT ON COLUMN %I.position IS %L', name,
                       'Position in the log of the last event that touched the row.');
        PERFORM projections.protect(name::regclass);
    END LOOP;
END
$$;
