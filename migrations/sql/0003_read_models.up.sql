-- The read models of packaging, work and trust. Runs as eventstore_owner.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. Where an ON DELETE is not written, a parent that has children stays.

-- Packaging --------------------------------------------------------------------------------------

CREATE TABLE projections.packages (
    tenant_id        text COLLATE "C" NOT NULL,
    id               uuid NOT NULL,
    name             text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    version          text NOT NULL CHECK (char_length(version) BETWEEN 1 AND 50),
    publisher        text NOT NULL CHECK (char_length(publisher) BETWEEN 1 AND 255),
    description      text,
    status           text COLLATE "C" NOT NULL CHECK (status IN (
                         'draft', 'analyzing', 'generating_script', 'creating_policy', 'testing',
                         'waiting_approval', 'completed', 'failed')),
    installer_id     uuid,
    psadt_script_id  uuid,
    wdac_policy_id   uuid,
    documentation_id uuid,
    metadata         jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    tags             jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tags) = 'array'),
    deleted_at       timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE projections.packages IS
    'Software packages on their way from draft to approval, one row each.';
COMMENT ON COLUMN projections.packages.id IS 'package_id of the events.';
COMMENT ON COLUMN projections.packages.name IS 'Name of the software.';
COMMENT ON COLUMN projections.packages.version IS 'Version of the software, as its publisher writes it.';
COMMENT ON COLUMN projections.packages.publisher IS 'Who makes the software.';
COMMENT ON COLUMN projections.packages.description IS 'What the software is, for people.';
COMMENT ON COLUMN projections.packages.status IS
    'draft, analyzing, generating_script, creating_policy, testing, waiting_approval, completed, in '
    'this order; any but completed may become failed, and failed may become draft.';
COMMENT ON COLUMN projections.packages.installer_id IS 'The current installer, the one added last.';
COMMENT ON COLUMN projections.packages.psadt_script_id IS
    'The current install script: script_id of the event that states its content.';
COMMENT ON COLUMN projections.packages.wdac_policy_id IS
    'The current application-control policy: policy_id of the event that states it.';
COMMENT ON COLUMN projections.packages.documentation_id IS
    'The current documentation: documentation_id of the event that states its content.';
COMMENT ON COLUMN projections.packages.metadata IS 'What else is known of the package.';
COMMENT ON COLUMN projections.packages.tags IS 'Words to find it by, an array of strings.';
COMMENT ON COLUMN projections.packages.deleted_at IS
    'Since when the package is out of use; null while it is in use.';
CREATE UNIQUE INDEX packages_in_use ON projections.packages (tenant_id, publisher, name, version)
    WHERE deleted_at IS NULL;
COMMENT ON INDEX projections.packages_in_use IS
    'Among the packages in use, one for each publisher, name and version; a deleted one gives its '
    'name free.';
CREATE INDEX packages_status ON projections.packages (tenant_id, status);
COMMENT ON INDEX projections.packages_status IS 'Packages by status.';

CREATE TABLE projections.installers (
    tenant_id     text COLLATE "C" NOT NULL,
    id            uuid NOT NULL,
    package_id    uuid NOT NULL,
    filename      text NOT NULL CHECK (char_length(filename) BETWEEN 1 AND 255),
    file_path     text NOT NULL,
    file_type     text NOT NULL CHECK (char_length(file_type) BETWEEN 1 AND 50),
    size_bytes    bigint NOT NULL CHECK (size_bytes >= 0),
    sha256        text COLLATE "C" NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    analysis_data jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(analysis_data) = 'object'),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    position      bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, package_id) REFERENCES projections.packages
);
COMMENT ON TABLE projections.installers IS 'Installer files of packages, and what analyses found.';
COMMENT ON COLUMN projections.installers.id IS 'installer_id of the events.';
COMMENT ON COLUMN projections.installers.package_id IS 'The package that the file installs.';
COMMENT ON COLUMN projections.installers.filename IS 'Name of the file.';
COMMENT ON COLUMN projections.installers.file_path IS 'Where the file lies.';
COMMENT ON COLUMN projections.installers.file_type IS 'Kind of the file, such as msi, exe, whl.';
COMMENT ON COLUMN projections.installers.size_bytes IS 'Size of the file in bytes.';
COMMENT ON COLUMN projections.installers.sha256 IS 'SHA-256 of the file, in lower-case hexadecimal.';
COMMENT ON COLUMN projections.installers.analysis_data IS
    'What the last analysis found: silent switches, dependencies, detection rules.';
CREATE INDEX installers_package ON projections.installers (tenant_id, package_id);
COMMENT ON INDEX projections.installers_package IS 'The installers of a package.';
CREATE INDEX installers_sha256 ON projections.installers (tenant_id, sha256);
COMMENT ON INDEX projections.installers_sha256 IS 'Which packages install a given file.';

ALTER TABLE projections.packages ADD CONSTRAINT packages_installer
    FOREIGN KEY (tenant_id, installer_id) REFERENCES projections.installers
    DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT packages_installer ON projections.packages IS
    'Checked at commit, because packages and installers point at each other: a batch writes the '
    'package first.';

CREATE TABLE projections.process_history (
    tenant_id      text COLLATE "C" NOT NULL,
    event_id       uuid NOT NULL,
    package_id     uuid NOT NULL,
    from_status    text COLLATE "C" CHECK (from_status IN (
                       'draft', 'analyzing', 'generating_script', 'creating_policy', 'testing',
                       'waiting_approval', 'completed', 'failed')),
    to_status      text COLLATE "C" NOT NULL CHECK (to_status IN (
                       'draft', 'analyzing', 'generating_script', 'creating_policy', 'testing',
                       'waiting_approval', 'completed', 'failed')),
    agent          text COLLATE "C",
    reason         text,
    correlation_id uuid NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, event_id),
    FOREIGN KEY (tenant_id, package_id) REFERENCES projections.packages
);
COMMENT ON TABLE projections.process_history IS
    'Every move of a package''s status, one row a move; the registration is the first.';
COMMENT ON COLUMN projections.process_history.event_id IS
    'eventstore.events.event_id of the event that states the move.';
COMMENT ON COLUMN projections.process_history.package_id IS 'The package that moved.';
COMMENT ON COLUMN projections.process_history.from_status IS
    'Status before; null for the registration.';
COMMENT ON COLUMN projections.process_history.to_status IS 'Status after.';
COMMENT ON COLUMN projections.process_history.agent IS
    'Who moved it: agent of the event, as in agents.agent_id (trust); null when the event names none.';
COMMENT ON COLUMN projections.process_history.reason IS 'Why, in words.';
COMMENT ON COLUMN projections.process_history.correlation_id IS 'The run in which it happened.';
CREATE INDEX process_history_package
    ON projections.process_history (tenant_id, package_id, position);
COMMENT ON INDEX projections.process_history_package IS 'The moves of a package, in log order.';
CREATE INDEX process_history_correlation
    ON projections.process_history (tenant_id, correlation_id, position);
COMMENT ON INDEX projections.process_history_correlation IS 'The moves in a run, in log order.';

-- Work -------------------------------------------------------------------------------------------

CREATE TABLE projections.work_orders (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    title          text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 255),
    status         text COLLATE "C" NOT NULL
                   CHECK (status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED')),
    priority       text COLLATE "C" NOT NULL
                   CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH', 'URGENT')),
    metadata       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    item_count     integer NOT NULL DEFAULT 0,
    finished_count integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT work_orders_counts CHECK (finished_count BETWEEN 0 AND item_count)
);
COMMENT ON TABLE projections.work_orders IS 'Work to do; each order holds work items.';
COMMENT ON COLUMN projections.work_orders.id IS 'work_order_id of the events.';
COMMENT ON COLUMN projections.work_orders.title IS 'What is to be done, in a line.';
COMMENT ON COLUMN projections.work_orders.status IS
    'PENDING, PROCESSING, then COMPLETED or FAILED; a failed one may be PENDING again.';
COMMENT ON COLUMN projections.work_orders.priority IS 'LOW, MEDIUM, HIGH or URGENT.';
COMMENT ON COLUMN projections.work_orders.metadata IS 'What else is known of the order.';
COMMENT ON COLUMN projections.work_orders.item_count IS 'Number of its work items.';
COMMENT ON COLUMN projections.work_orders.finished_count IS
    'How many of them are COMPLETED or FAILED.';
COMMENT ON CONSTRAINT work_orders_counts ON projections.work_orders IS
    'The projection keeps both counts; this proves that it keeps them together.';
CREATE INDEX work_orders_status ON projections.work_orders (tenant_id, status, priority);
COMMENT ON INDEX projections.work_orders_status IS 'Orders by status, then priority.';

CREATE TABLE projections.work_items (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    work_order_id  uuid NOT NULL,
    type           text COLLATE "C" NOT NULL CHECK (type ~ '^[A-Z][A-Z0-9_]{0,63}$'),
    status         text COLLATE "C" NOT NULL
                   CHECK (status IN ('QUEUED', 'PROCESSING', 'COMPLETED', 'FAILED')),
    content        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(content) = 'object'),
    attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    assigned_agent text COLLATE "C",
    package_id     uuid,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, work_order_id) REFERENCES projections.work_orders ON DELETE CASCADE
);
COMMENT ON TABLE projections.work_items IS 'The pieces of work of an order.';
COMMENT ON COLUMN projections.work_items.id IS 'work_item_id of the events.';
COMMENT ON COLUMN projections.work_items.work_order_id IS 'The order that the item belongs to.';
COMMENT ON COLUMN projections.work_items.type IS
    'INVOICE, TICKET, STATUS_REPORT, or a type that the deployment registered: only the form is '
    'checked here, because who appends knows the types.';
COMMENT ON COLUMN projections.work_items.status IS
    'QUEUED, PROCESSING, then COMPLETED or FAILED; a failed one may be QUEUED again.';
COMMENT ON COLUMN projections.work_items.content IS 'What is to be worked at.';
COMMENT ON COLUMN projections.work_items.attempts IS 'How many attempts were started.';
COMMENT ON COLUMN projections.work_items.assigned_agent IS
    'Whose work it is: agents.agent_id (trust); null when nobody''s.';
COMMENT ON COLUMN projections.work_items.package_id IS
    'What the work is about: packages.id (packaging); null when it is about no package.';
CREATE INDEX work_items_order ON projections.work_items (tenant_id, work_order_id);
COMMENT ON INDEX projections.work_items_order IS 'The items of an order.';
CREATE INDEX work_items_status ON projections.work_items (tenant_id, status, type);
COMMENT ON INDEX projections.work_items_status IS 'Items by status, then type.';
CREATE INDEX work_items_agent ON projections.work_items (tenant_id, assigned_agent, status)
    WHERE assigned_agent IS NOT NULL;
COMMENT ON INDEX projections.work_items_agent IS 'The items of an agent.';
CREATE INDEX work_items_package ON projections.work_items (tenant_id, package_id)
    WHERE package_id IS NOT NULL;
COMMENT ON INDEX projections.work_items_package IS 'The items about a package.';

-- A tsvector ends at 1 MB, and a value that does not fit would stop the projection.
CREATE FUNCTION projections.work_item_words(content jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN octet_length(content::text) <= 262144
                THEN to_tsvector('english', content)
                ELSE to_tsvector('english', left(content::text, 100000)) END
$$;
COMMENT ON FUNCTION projections.work_item_words(jsonb) IS
    'The words in the strings of a work item''s content; of a very large one, those at its start.';
REVOKE ALL ON FUNCTION projections.work_item_words(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.work_item_words(jsonb)
    TO eventstore_projector, eventstore_auditor;
CREATE INDEX work_items_content ON projections.work_items
    USING gin (projections.work_item_words(content));
COMMENT ON INDEX projections.work_items_content IS
    'Full text of content: work_item_words(content) @@ websearch_to_tsquery(''english'', …).';

CREATE TABLE projections.attempts (
    tenant_id    text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    work_item_id uuid NOT NULL,
    attempt_no   integer NOT NULL CHECK (attempt_no > 0),
    agent_id     text COLLATE "C" NOT NULL,
    status       text COLLATE "C" NOT NULL
                 CHECK (status IN ('STARTED', 'COMPLETED', 'FAILED', 'TIMEOUT')),
    input        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(input) = 'object'),
    output       jsonb CHECK (jsonb_typeof(output) = 'object'),
    error        text,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    duration_ms  bigint CHECK (duration_ms >= 0),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT attempts_numbered UNIQUE (tenant_id, work_item_id, attempt_no),
    FOREIGN KEY (tenant_id, work_item_id) REFERENCES projections.work_items ON DELETE CASCADE,
    CONSTRAINT attempts_ended CHECK ((status = 'STARTED') = (ended_at IS NULL))
);
COMMENT ON TABLE projections.attempts IS 'The tries of agents at work items.';
COMMENT ON COLUMN projections.attempts.id IS 'attempt_id of the events.';
COMMENT ON COLUMN projections.attempts.work_item_id IS 'The item that was worked at.';
COMMENT ON COLUMN projections.attempts.attempt_no IS
    'Number of the attempt at its item: from 1, without gaps, in log order.';
COMMENT ON COLUMN projections.attempts.agent_id IS 'Who tries: agents.agent_id (trust).';
COMMENT ON COLUMN projections.attempts.status IS
    'STARTED while it is under way, then COMPLETED, FAILED or TIMEOUT.';
COMMENT ON COLUMN projections.attempts.input IS 'What the agent started from.';
COMMENT ON COLUMN projections.attempts.output IS 'What came of it.';
COMMENT ON COLUMN projections.attempts.error IS 'The last error that it met.';
COMMENT ON COLUMN projections.attempts.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN projections.attempts.ended_at IS 'occurred_at of its end.';
COMMENT ON COLUMN projections.attempts.duration_ms IS
    'Milliseconds that it took as the agent measured them; null when it did not measure.';
COMMENT ON CONSTRAINT attempts_numbered ON projections.attempts IS
    'One attempt a number, and the way to the attempts of an item.';
COMMENT ON CONSTRAINT attempts_ended ON projections.attempts IS
    'An attempt has an end exactly when it is not under way.';
CREATE INDEX attempts_agent ON projections.attempts (tenant_id, agent_id, status);
COMMENT ON INDEX projections.attempts_agent IS 'The attempts of an agent.';

CREATE TABLE projections.approval_events (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    work_item_id   uuid NOT NULL,
    approver       text COLLATE "C" NOT NULL,
    decision       text COLLATE "C" NOT NULL
                   CHECK (decision IN ('APPROVED', 'REJECTED', 'ESCALATED')),
    reason         text,
    policy_version text COLLATE "C" NOT NULL,
    decided_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT approval_events_item
        FOREIGN KEY (tenant_id, work_item_id) REFERENCES projections.work_items
);
COMMENT ON TABLE projections.approval_events IS
    'What was decided about work items, by whom and under which policy.';
COMMENT ON COLUMN projections.approval_events.id IS 'approval_id of the event.';
COMMENT ON COLUMN projections.approval_events.work_item_id IS 'The item that was decided about.';
COMMENT ON COLUMN projections.approval_events.approver IS
    'Who decided: agents.agent_id (trust), or the name of a person.';
COMMENT ON COLUMN projections.approval_events.decision IS 'APPROVED, REJECTED or ESCALATED.';
COMMENT ON COLUMN projections.approval_events.reason IS 'Why, in words.';
COMMENT ON COLUMN projections.approval_events.policy_version IS
    'The version of the policy that the decision followed.';
COMMENT ON COLUMN projections.approval_events.decided_at IS 'occurred_at of the decision.';
COMMENT ON CONSTRAINT approval_events_item ON projections.approval_events IS
    'No cascade: an item that was decided about is not deleted, nor is its order.';
CREATE INDEX approval_events_by_item
    ON projections.approval_events (tenant_id, work_item_id, position);
COMMENT ON INDEX projections.approval_events_by_item IS 'The decisions about an item, in log order.';
CREATE INDEX approval_events_approver
    ON projections.approval_events (tenant_id, approver, decided_at);
COMMENT ON INDEX projections.approval_events_approver IS 'The decisions of an approver, by time.';

-- Trust ------------------------------------------------------------------------------------------

CREATE TABLE projections.agents (
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
COMMENT ON TABLE projections.agents IS 'The agents of every context, and what they can do.';
COMMENT ON COLUMN projections.agents.agent_id IS 'The agent''s name in events, such as analyst.';
COMMENT ON COLUMN projections.agents.name IS 'What people call it.';
COMMENT ON COLUMN projections.agents.persona_type IS
    'What it is for, such as developer, qa, architect.';
COMMENT ON COLUMN projections.agents.capabilities IS 'What it can do.';
COMMENT ON COLUMN projections.agents.config IS 'How it is set up.';
COMMENT ON COLUMN projections.agents.is_active IS 'Whether it may work.';
COMMENT ON COLUMN projections.agents.version IS 'Counts the changes of this row, from 1.';
CREATE INDEX agents_persona ON projections.agents (tenant_id, persona_type) WHERE is_active;
COMMENT ON INDEX projections.agents_persona IS 'The active agents for a purpose.';

CREATE TABLE projections.agent_sessions (
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
    FOREIGN KEY (tenant_id, agent_id) REFERENCES projections.agents ON DELETE RESTRICT,
    CONSTRAINT agent_sessions_ended
        CHECK ((session_state IN ('completed', 'expired')) = (ended_at IS NOT NULL))
);
COMMENT ON TABLE projections.agent_sessions IS
    'Runs of messages and decisions of an agent, for a user or on its own.';
COMMENT ON COLUMN projections.agent_sessions.session_id IS 'session_id of the events.';
COMMENT ON COLUMN projections.agent_sessions.agent_id IS 'Whose session it is.';
COMMENT ON COLUMN projections.agent_sessions.user_id IS
    'For whom: users.id (workspaces); null when for nobody.';
COMMENT ON COLUMN projections.agent_sessions.trust_level IS
    'How far the agent is trusted in it, 0 to 4 (L0 to L4), as granted at its start.';
COMMENT ON COLUMN projections.agent_sessions.context IS 'What the session is about.';
COMMENT ON COLUMN projections.agent_sessions.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN projections.agent_sessions.expires_at IS
    'When its time is over; null when it is not limited.';
COMMENT ON COLUMN projections.agent_sessions.ended_at IS
    'occurred_at of its end; null before.';
COMMENT ON COLUMN projections.agent_sessions.session_state IS
    'active or paused, then completed or expired.';
COMMENT ON COLUMN projections.agent_sessions.metadata IS 'What else is known of the session.';
COMMENT ON COLUMN projections.agent_sessions.version IS 'Counts the changes of this row, from 1.';
COMMENT ON CONSTRAINT agent_sessions_ended ON projections.agent_sessions IS
    'A session has an end exactly when it is completed or expired.';
CREATE INDEX agent_sessions_agent
    ON projections.agent_sessions (tenant_id, agent_id, started_at);
COMMENT ON INDEX projections.agent_sessions_agent IS 'The sessions of an agent, by time.';
CREATE INDEX agent_sessions_active
    ON projections.agent_sessions (tenant_id, agent_id, expires_at)
    WHERE session_state = 'active';
COMMENT ON INDEX projections.agent_sessions_active IS
    'The active sessions, few among many, and when they expire.';

CREATE TABLE projections.agent_decisions (
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
    FOREIGN KEY (tenant_id, session_id) REFERENCES projections.agent_sessions ON DELETE CASCADE
);
COMMENT ON TABLE projections.agent_decisions IS
    'What agents decided, on what grounds, and what came of it.';
COMMENT ON COLUMN projections.agent_decisions.decision_id IS 'decision_id of the events.';
COMMENT ON COLUMN projections.agent_decisions.session_id IS
    'The session, and so the agent, that decided.';
COMMENT ON COLUMN projections.agent_decisions.decision_type IS 'Kind of the decision.';
COMMENT ON COLUMN projections.agent_decisions.input_context IS
    'What the agent had before it: the question, the alternatives.';
COMMENT ON COLUMN projections.agent_decisions.decision_rationale IS
    'Why it decided so, in its words. Sensitive.';
COMMENT ON COLUMN projections.agent_decisions.action_taken IS 'What it chose to do.';
COMMENT ON COLUMN projections.agent_decisions.confidence_score IS
    'How sure it was, 0 to 1; null when it did not say.';
COMMENT ON COLUMN projections.agent_decisions.user_feedback IS
    'The last judgement: approved, rejected or modified; null before the first.';
COMMENT ON COLUMN projections.agent_decisions.outcome IS
    'How it turned out: success, failure or critical_failure; null while unknown.';
COMMENT ON COLUMN projections.agent_decisions.execution_time_ms IS
    'Milliseconds that it took as the agent measured them; null when it did not measure.';
CREATE INDEX agent_decisions_session
    ON projections.agent_decisions (tenant_id, session_id, position);
COMMENT ON INDEX projections.agent_decisions_session IS 'The decisions of a session, by last change.';
CREATE INDEX agent_decisions_type
    ON projections.agent_decisions (tenant_id, decision_type, created_at);
COMMENT ON INDEX projections.agent_decisions_type IS 'The decisions of a kind, by time.';

CREATE TABLE projections.trust_metrics (
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
    FOREIGN KEY (tenant_id, session_id) REFERENCES projections.agent_sessions,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES projections.agents,
    CONSTRAINT trust_metrics_range CHECK (
        metric_value BETWEEN 0 AND CASE metric_type WHEN 'complexity' THEN 10 ELSE 100 END)
);
COMMENT ON TABLE projections.trust_metrics IS 'Measured properties of agents'' work.';
COMMENT ON COLUMN projections.trust_metrics.metric_id IS 'metric_id of the event.';
COMMENT ON COLUMN projections.trust_metrics.session_id IS 'The session that was measured.';
COMMENT ON COLUMN projections.trust_metrics.agent_id IS 'The agent that was measured.';
COMMENT ON COLUMN projections.trust_metrics.metric_type IS 'accuracy, autonomy or complexity.';
COMMENT ON COLUMN projections.trust_metrics.metric_value IS
    '0 to 100 for accuracy and autonomy, 0 to 10 for complexity.';
COMMENT ON COLUMN projections.trust_metrics.measurement_context IS 'How and on what it was measured.';
COMMENT ON COLUMN projections.trust_metrics.recorded_at IS
    'When it was measured: occurred_at of the event.';
COMMENT ON CONSTRAINT trust_metrics_range ON projections.trust_metrics IS
    'Each type has a range of its own.';
CREATE INDEX trust_metrics_agent
    ON projections.trust_metrics (tenant_id, agent_id, metric_type, recorded_at);
COMMENT ON INDEX projections.trust_metrics_agent IS 'One metric of an agent, by time.';
CREATE INDEX trust_metrics_session ON projections.trust_metrics (tenant_id, session_id);
COMMENT ON INDEX projections.trust_metrics_session IS 'The metrics of a session.';

CREATE TABLE projections.trust_levels (
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
    FOREIGN KEY (tenant_id, agent_id) REFERENCES projections.agents,
    CONSTRAINT trust_levels_judged CHECK (approved + rejected <= decisions)
);
COMMENT ON TABLE projections.trust_levels IS
    'How far each agent is trusted now: the result of one rule over its judged decisions.';
COMMENT ON COLUMN projections.trust_levels.agent_id IS 'The agent.';
COMMENT ON COLUMN projections.trust_levels.level IS '0 to 4 (L0 to L4).';
COMMENT ON COLUMN projections.trust_levels.score IS
    'How sure we are of the agent on its level, 0 to 1; at 1 it goes a level up.';
COMMENT ON COLUMN projections.trust_levels.streak IS
    'Successful decisions in a row since the score was last raised.';
COMMENT ON COLUMN projections.trust_levels.decisions IS 'Decisions that the agent has made.';
COMMENT ON COLUMN projections.trust_levels.approved IS
    'Decisions whose last feedback is approved.';
COMMENT ON COLUMN projections.trust_levels.rejected IS
    'Decisions whose last feedback is rejected.';
COMMENT ON COLUMN projections.trust_levels.since IS
    'occurred_at of the event that put the agent on this level.';
COMMENT ON CONSTRAINT trust_levels_judged ON projections.trust_levels IS
    'A decision counts once, however often it is judged.';
CREATE INDEX trust_levels_level ON projections.trust_levels (tenant_id, level, score);
COMMENT ON INDEX projections.trust_levels_level IS 'The agents on a level, by score.';

CREATE TABLE projections.conversation_history (
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
    FOREIGN KEY (tenant_id, session_id) REFERENCES projections.agent_sessions,
    FOREIGN KEY (tenant_id, parent_message_id) REFERENCES projections.conversation_history
);
COMMENT ON TABLE projections.conversation_history IS
    'What was said in sessions: messages, and the findings and reflections of agents.';
COMMENT ON COLUMN projections.conversation_history.message_id IS 'message_id of the event.';
COMMENT ON COLUMN projections.conversation_history.session_id IS 'The session in which it was said.';
COMMENT ON COLUMN projections.conversation_history.role IS 'Who said it: user, agent or system.';
COMMENT ON COLUMN projections.conversation_history.content IS 'What was said.';
COMMENT ON COLUMN projections.conversation_history.message_type IS 'text, code, command or file.';
COMMENT ON COLUMN projections.conversation_history.parent_message_id IS
    'The message that it answers; null when it answers none.';
COMMENT ON COLUMN projections.conversation_history.tokens_used IS
    'Tokens that the model took for it; null when unknown.';
COMMENT ON COLUMN projections.conversation_history.model_used IS
    'The model that wrote it; null when none did.';
CREATE INDEX conversation_history_session
    ON projections.conversation_history (tenant_id, session_id, position);
COMMENT ON INDEX projections.conversation_history_session IS
    'The messages of a session in log order; read backwards, the newest.';
CREATE INDEX conversation_history_parent
    ON projections.conversation_history (tenant_id, parent_message_id)
    WHERE parent_message_id IS NOT NULL;
COMMENT ON INDEX projections.conversation_history_parent IS 'The answers to a message.';

-- What all of them have --------------------------------------------------------------------------

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'packages', 'installers', 'process_history',
        'work_orders', 'work_items', 'attempts', 'approval_events',
        'agents', 'agent_sessions', 'agent_decisions', 'trust_metrics', 'trust_levels',
        'conversation_history'
    ] LOOP
        EXECUTE format('COMMENT ON COLUMN projections.%I.tenant_id IS %L', name,
                       'The tenant that owns the row.');
        EXECUTE format('COMMENT ON COLUMN projections.%I.created_at IS %L', name,
                       'occurred_at of the event that made the row.');
        EXECUTE format('COMMENT ON COLUMN projections.%I.updated_at IS %L', name,
                       'occurred_at of the last event that touched the row.');
        EXECUTE format('COMMENT ON COLUMN projections.%I.position IS %L', name,
                       'Position in the log of the last event that touched the row.');
        PERFORM projections.protect(format('projections.%I', name)::regclass);
    END LOOP;
END
$$;
