-- The tables of work, for projection_version 2 and up. Names without a schema belong to the one that
-- the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. An order takes its items and their attempts with it, unless somebody has
-- judged one of them.

CREATE TABLE work_orders (
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
COMMENT ON TABLE work_orders IS 'Work to do; each order holds work items.';
COMMENT ON COLUMN work_orders.id IS 'work_order_id of the events.';
COMMENT ON COLUMN work_orders.title IS 'What is to be done, in a line.';
COMMENT ON COLUMN work_orders.status IS
    'PENDING, PROCESSING, then COMPLETED or FAILED; a failed one may be PENDING again.';
COMMENT ON COLUMN work_orders.priority IS 'LOW, MEDIUM, HIGH or URGENT.';
COMMENT ON COLUMN work_orders.metadata IS 'What else is known of the order.';
COMMENT ON COLUMN work_orders.item_count IS 'Number of its work items.';
COMMENT ON COLUMN work_orders.finished_count IS
    'How many of them are COMPLETED or FAILED.';
COMMENT ON CONSTRAINT work_orders_counts ON work_orders IS
    'The projection keeps both counts; this proves that it keeps them together.';
CREATE INDEX work_orders_status ON work_orders (tenant_id, status, priority, created_at, id);
COMMENT ON INDEX work_orders_status IS 'Orders by status, then priority.';

CREATE TABLE work_items (
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
    FOREIGN KEY (tenant_id, work_order_id) REFERENCES work_orders ON DELETE CASCADE
);
COMMENT ON TABLE work_items IS 'The pieces of work of an order.';
COMMENT ON COLUMN work_items.id IS 'work_item_id of the events.';
COMMENT ON COLUMN work_items.work_order_id IS 'The order that the item belongs to.';
COMMENT ON COLUMN work_items.type IS
    'INVOICE, TICKET, STATUS_REPORT, or a type that the deployment registered: only the form is '
    'checked here, because who appends knows the types.';
COMMENT ON COLUMN work_items.status IS
    'QUEUED, PROCESSING, then COMPLETED or FAILED; a failed one may be QUEUED again.';
COMMENT ON COLUMN work_items.content IS 'What is to be worked at.';
COMMENT ON COLUMN work_items.attempts IS 'How many attempts were started.';
COMMENT ON COLUMN work_items.assigned_agent IS
    'Whose work it is: agents.agent_id (trust); null when nobody''s.';
COMMENT ON COLUMN work_items.package_id IS
    'What the work is about: packages.id (packaging); null when it is about no package.';
CREATE INDEX work_items_order ON work_items (tenant_id, work_order_id, created_at, id);
COMMENT ON INDEX work_items_order IS 'The items of an order.';
CREATE INDEX work_items_status ON work_items (tenant_id, status, type, created_at, id);
COMMENT ON INDEX work_items_status IS 'Items by status, then type, the oldest first.';
CREATE INDEX work_items_oldest ON work_items (tenant_id, status, created_at, id);
COMMENT ON INDEX work_items_oldest IS 'Items by status, of any type, the oldest first.';
CREATE INDEX work_items_agent ON work_items (tenant_id, assigned_agent, status, created_at, id);
COMMENT ON INDEX work_items_agent IS
    'The items of an agent, and those that are nobody''s, by status, the oldest first.';
CREATE INDEX work_items_package ON work_items (tenant_id, package_id)
    WHERE package_id IS NOT NULL;
COMMENT ON INDEX work_items_package IS 'The items about a package.';

CREATE INDEX work_items_content ON work_items
    USING gin (projections.work_item_words(content));
COMMENT ON INDEX work_items_content IS
    'Full text of content: work_item_words(content) @@ websearch_to_tsquery(''english'', …).';

CREATE TABLE attempts (
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
    FOREIGN KEY (tenant_id, work_item_id) REFERENCES work_items ON DELETE CASCADE,
    CONSTRAINT attempts_ended CHECK ((status = 'STARTED') = (ended_at IS NULL))
);
COMMENT ON TABLE attempts IS 'The tries of agents at work items.';
COMMENT ON COLUMN attempts.id IS 'attempt_id of the events.';
COMMENT ON COLUMN attempts.work_item_id IS 'The item that was worked at.';
COMMENT ON COLUMN attempts.attempt_no IS
    'Number of the attempt at its item: from 1, without gaps, in log order.';
COMMENT ON COLUMN attempts.agent_id IS 'Who tries: agents.agent_id (trust).';
COMMENT ON COLUMN attempts.status IS
    'STARTED while it is under way, then COMPLETED, FAILED or TIMEOUT.';
COMMENT ON COLUMN attempts.input IS 'What the agent started from.';
COMMENT ON COLUMN attempts.output IS 'What came of it.';
COMMENT ON COLUMN attempts.error IS 'The last error that it met.';
COMMENT ON COLUMN attempts.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN attempts.ended_at IS 'occurred_at of its end.';
COMMENT ON COLUMN attempts.duration_ms IS
    'Milliseconds that it took as the agent measured them; null when it did not measure.';
COMMENT ON CONSTRAINT attempts_numbered ON attempts IS
    'One attempt a number, and the way to the attempts of an item.';
COMMENT ON CONSTRAINT attempts_ended ON attempts IS
    'An attempt has an end exactly when it is not under way.';
CREATE INDEX attempts_agent ON attempts (tenant_id, agent_id, status, started_at, id);
COMMENT ON INDEX attempts_agent IS 'The attempts of an agent.';

CREATE TABLE approval_events (
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
        FOREIGN KEY (tenant_id, work_item_id) REFERENCES work_items ON DELETE RESTRICT
);
COMMENT ON TABLE approval_events IS
    'What was decided about work items, by whom and under which policy.';
COMMENT ON COLUMN approval_events.id IS 'approval_id of the event.';
COMMENT ON COLUMN approval_events.work_item_id IS 'The item that was decided about.';
COMMENT ON COLUMN approval_events.approver IS
    'Who decided: agents.agent_id (trust), or the name of a person.';
COMMENT ON COLUMN approval_events.decision IS 'APPROVED, REJECTED or ESCALATED.';
COMMENT ON COLUMN approval_events.reason IS 'Why, in words.';
COMMENT ON COLUMN approval_events.policy_version IS
    'The version of the policy that the decision followed.';
COMMENT ON COLUMN approval_events.decided_at IS 'occurred_at of the decision.';
COMMENT ON CONSTRAINT approval_events_item ON approval_events IS
    'No cascade: an item that was decided about is not deleted, nor is its order.';
CREATE INDEX approval_events_by_item
    ON approval_events (tenant_id, work_item_id, position);
COMMENT ON INDEX approval_events_by_item IS 'The decisions about an item, in log order.';
CREATE INDEX approval_events_approver
    ON approval_events (tenant_id, approver, decided_at, id);
COMMENT ON INDEX approval_events_approver IS 'The decisions of an approver, by time.';
CREATE INDEX approval_events_escalated ON approval_events (tenant_id, decided_at, id)
    WHERE decision = 'ESCALATED';
COMMENT ON INDEX approval_events_escalated IS 'What was passed on, little of much, by time.';

CREATE TABLE eval_results (
    tenant_id    text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    work_item_id uuid NOT NULL,
    evaluator    text COLLATE "C" NOT NULL CHECK (char_length(evaluator) BETWEEN 1 AND 128),
    score        double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    passed       boolean NOT NULL,
    details      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT eval_results_item
        FOREIGN KEY (tenant_id, work_item_id) REFERENCES work_items ON DELETE RESTRICT
);
COMMENT ON TABLE eval_results IS 'How well work items were done, as evaluators measured it.';
COMMENT ON COLUMN eval_results.id IS 'eval_id of the event.';
COMMENT ON COLUMN eval_results.work_item_id IS 'The item that was evaluated.';
COMMENT ON COLUMN eval_results.evaluator IS
    'Who evaluated: agents.agent_id (trust), or the name of a person or a program.';
COMMENT ON COLUMN eval_results.score IS 'How well it was done, 0 to 1.';
COMMENT ON COLUMN eval_results.passed IS
    'Whether that was good enough, by the evaluator''s own measure.';
COMMENT ON COLUMN eval_results.details IS 'What the score is made of.';
COMMENT ON CONSTRAINT eval_results_item ON eval_results IS
    'No cascade: an item that was evaluated is not deleted, nor is its order.';
CREATE INDEX eval_results_by_item ON eval_results (tenant_id, work_item_id, position);
COMMENT ON INDEX eval_results_by_item IS 'The evaluations of an item, in log order.';
CREATE INDEX eval_results_evaluator ON eval_results (tenant_id, evaluator, created_at, id);
COMMENT ON INDEX eval_results_evaluator IS 'The evaluations of an evaluator, by time.';

CREATE TABLE mem_docs (
    tenant_id       text COLLATE "C" NOT NULL,
    id              uuid NOT NULL,
    work_item_id    uuid,
    type            text COLLATE "C" NOT NULL
                    CHECK (type IN ('CONTEXT', 'KNOWLEDGE', 'TEMPLATE')),
    content         text NOT NULL,
    metadata        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    embedding       vector,
    embedding_model text,
    words           tsvector GENERATED ALWAYS AS (projections.words(content)) STORED,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT mem_docs_embedded CHECK ((embedding IS NULL) = (embedding_model IS NULL)),
    CONSTRAINT mem_docs_item FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items ON DELETE SET NULL (work_item_id)
);
COMMENT ON TABLE mem_docs IS 'What agents keep in mind between attempts.';
COMMENT ON COLUMN mem_docs.words IS
    'The words of the content, stemmed: words @@ websearch_to_tsquery(''english'', …).';
COMMENT ON COLUMN mem_docs.id IS 'mem_doc_id of the events.';
COMMENT ON COLUMN mem_docs.work_item_id IS
    'The item that it is about; null when it is about the work in general.';
COMMENT ON COLUMN mem_docs.type IS 'CONTEXT, KNOWLEDGE or TEMPLATE.';
COMMENT ON COLUMN mem_docs.content IS 'What is to be kept in mind.';
COMMENT ON COLUMN mem_docs.metadata IS 'What else is known of the document.';
COMMENT ON CONSTRAINT mem_docs_embedded ON mem_docs IS 'A vector says whose it is.';
COMMENT ON CONSTRAINT mem_docs_item ON mem_docs IS
    'What was learned outlives the item from which it was.';
CREATE INDEX mem_docs_by_item ON mem_docs (tenant_id, work_item_id)
    WHERE work_item_id IS NOT NULL;
COMMENT ON INDEX mem_docs_by_item IS 'The documents about an item.';
CREATE INDEX mem_docs_type ON mem_docs (tenant_id, type, created_at, id);
COMMENT ON INDEX mem_docs_type IS 'The documents of a type, by time.';
CREATE INDEX mem_docs_words ON mem_docs USING gin (words);
COMMENT ON INDEX mem_docs_words IS 'Full text, through projections.found_by_words.';

CREATE TABLE workflow_templates (
    tenant_id        text COLLATE "C" NOT NULL,
    id               uuid NOT NULL,
    name             text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    template_version integer NOT NULL CHECK (template_version > 0),
    definition       jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflow_templates_numbered UNIQUE (tenant_id, name, template_version)
);
COMMENT ON TABLE workflow_templates IS 'Workflows that runs follow; a template never changes.';
COMMENT ON COLUMN workflow_templates.id IS 'workflow_template_id of the events.';
COMMENT ON COLUMN workflow_templates.name IS 'Name of the workflow.';
COMMENT ON COLUMN workflow_templates.template_version IS
    'Number of the template among those of its name.';
COMMENT ON COLUMN workflow_templates.definition IS 'The steps, and what leads from one to another.';
COMMENT ON CONSTRAINT workflow_templates_numbered ON workflow_templates IS
    'One template a number, and the way to the newest of a name.';

CREATE TABLE runs (
    tenant_id            text COLLATE "C" NOT NULL,
    id                   uuid NOT NULL,
    workflow_template_id uuid,
    work_order_id        uuid,
    status               text COLLATE "C" NOT NULL
                         CHECK (status IN ('STARTED', 'COMPLETED', 'FAILED', 'CANCELLED')),
    started_at           timestamptz NOT NULL,
    ended_at             timestamptz,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    position             bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workflow_template_id) REFERENCES workflow_templates ON DELETE RESTRICT,
    CONSTRAINT runs_order FOREIGN KEY (tenant_id, work_order_id)
        REFERENCES work_orders ON DELETE SET NULL (work_order_id),
    CONSTRAINT runs_ended CHECK ((status = 'STARTED') = (ended_at IS NULL))
);
COMMENT ON TABLE runs IS 'Times that agents worked through a workflow.';
COMMENT ON COLUMN runs.id IS 'run_id of the events.';
COMMENT ON COLUMN runs.workflow_template_id IS
    'The template that the run follows; null when it follows none.';
COMMENT ON COLUMN runs.work_order_id IS 'The order that it is for; null when it is for none.';
COMMENT ON COLUMN runs.status IS
    'STARTED while it is under way, then COMPLETED, FAILED or CANCELLED.';
COMMENT ON COLUMN runs.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN runs.ended_at IS 'occurred_at of its end; null while it is under way.';
COMMENT ON CONSTRAINT runs_order ON runs IS 'That a run took place outlives the order.';
COMMENT ON CONSTRAINT runs_ended ON runs IS
    'A run has an end exactly when it is not under way.';
CREATE INDEX runs_status ON runs (tenant_id, status, started_at, id);
COMMENT ON INDEX runs_status IS 'Runs by status, then time.';
CREATE INDEX runs_by_template ON runs (tenant_id, workflow_template_id, started_at, id)
    WHERE workflow_template_id IS NOT NULL;
COMMENT ON INDEX runs_by_template IS 'The runs of a template, by time.';
CREATE INDEX runs_by_order ON runs (tenant_id, work_order_id)
    WHERE work_order_id IS NOT NULL;
COMMENT ON INDEX runs_by_order IS 'The runs for an order.';

CREATE TABLE dead_letters (
    tenant_id     text COLLATE "C" NOT NULL,
    id            uuid NOT NULL,
    source        text COLLATE "C" NOT NULL CHECK (char_length(source) BETWEEN 1 AND 255),
    event_id      uuid,
    payload       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload) = 'object'),
    error         text NOT NULL,
    retry_count   integer NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    last_retry_at timestamptz,
    resolved_at   timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    position      bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT dead_letters_retried CHECK ((retry_count = 0) = (last_retry_at IS NULL))
);
COMMENT ON TABLE dead_letters IS 'Messages that could not be dealt with, until they are.';
COMMENT ON COLUMN dead_letters.id IS 'dead_letter_id of the events.';
COMMENT ON COLUMN dead_letters.source IS
    'Who could not deal with it, such as the name of a connector or a hook.';
COMMENT ON COLUMN dead_letters.event_id IS
    'The event that it came from: eventstore.events.event_id, about_event_id of the event; null when '
    'it came from elsewhere.';
COMMENT ON COLUMN dead_letters.payload IS 'The message, or what is known of it.';
COMMENT ON COLUMN dead_letters.error IS 'What went wrong, the last time that it was tried.';
COMMENT ON COLUMN dead_letters.retry_count IS 'How often it was tried again, without success.';
COMMENT ON COLUMN dead_letters.last_retry_at IS
    'occurred_at of the last of these tries; null before the first one.';
COMMENT ON COLUMN dead_letters.resolved_at IS
    'Since when it is dealt with, or given up; null while it is open.';
COMMENT ON CONSTRAINT dead_letters_retried ON dead_letters IS
    'It was last tried again exactly when it ever was.';
CREATE INDEX dead_letters_open ON dead_letters (tenant_id, source, created_at, id)
    WHERE resolved_at IS NULL;
COMMENT ON INDEX dead_letters_open IS 'The open ones of a source, few among many, by time.';
CREATE INDEX dead_letters_event ON dead_letters (tenant_id, event_id)
    WHERE event_id IS NOT NULL;
COMMENT ON INDEX dead_letters_event IS 'The messages that came from an event.';

CREATE TABLE connectors (
    tenant_id            text COLLATE "C" NOT NULL,
    id                   uuid NOT NULL,
    name                 text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    type                 text COLLATE "C" NOT NULL
                         CHECK (type IN ('SLACK', 'EMAIL', 'API', 'DATABASE')),
    status               text COLLATE "C" NOT NULL
                         CHECK (status IN ('ACTIVE', 'INACTIVE', 'ERROR')),
    config               jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config) = 'object'),
    last_health_check_at timestamptz,
    health               jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(health) = 'object'),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    position             bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT connectors_name UNIQUE (tenant_id, name)
);
COMMENT ON TABLE connectors IS 'Ways to other systems, and whether these can be reached.';
COMMENT ON COLUMN connectors.id IS 'connector_id of the events.';
COMMENT ON COLUMN connectors.name IS 'What it is called.';
COMMENT ON COLUMN connectors.type IS 'SLACK, EMAIL, API or DATABASE.';
COMMENT ON COLUMN connectors.status IS
    'INACTIVE at first; ACTIVE, INACTIVE or ERROR as somebody said last.';
COMMENT ON COLUMN connectors.config IS 'How the other system is reached, without secrets.';
COMMENT ON COLUMN connectors.last_health_check_at IS
    'occurred_at of the last look at the other system; null before the first one.';
COMMENT ON COLUMN connectors.health IS 'What was found then; empty before the first look.';
COMMENT ON CONSTRAINT connectors_name ON connectors IS 'A name means one connector.';

CREATE TABLE tools (
    tenant_id     text COLLATE "C" NOT NULL,
    id            uuid NOT NULL,
    connector_id  uuid NOT NULL,
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    version       text NOT NULL CHECK (char_length(version) BETWEEN 1 AND 50),
    input_schema  jsonb NOT NULL CHECK (jsonb_typeof(input_schema) = 'object'),
    output_schema jsonb NOT NULL CHECK (jsonb_typeof(output_schema) = 'object'),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    position      bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT tools_named UNIQUE (tenant_id, connector_id, name, version),
    FOREIGN KEY (tenant_id, connector_id) REFERENCES connectors ON DELETE RESTRICT
);
COMMENT ON TABLE tools IS 'What connectors let agents do; a tool never changes.';
COMMENT ON COLUMN tools.id IS 'tool_id of the events.';
COMMENT ON COLUMN tools.connector_id IS 'The connector that offers it.';
COMMENT ON COLUMN tools.name IS 'What it is called.';
COMMENT ON COLUMN tools.version IS 'Version of the tool, as whoever offers it writes it.';
COMMENT ON COLUMN tools.input_schema IS
    'JSON Schema of what it takes; that it is one was checked when it was said.';
COMMENT ON COLUMN tools.output_schema IS
    'JSON Schema of what it gives; that it is one was checked when it was said.';
COMMENT ON CONSTRAINT tools_named ON tools IS
    'A name and a version mean one tool of a connector; and the way to its tools.';
CREATE INDEX tools_name ON tools (tenant_id, name);
COMMENT ON INDEX tools_name IS 'The tools of a name, of any connector.';

CREATE TABLE capabilities (
    tenant_id  text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    scopes     jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(scopes) = 'array'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT capabilities_name UNIQUE (tenant_id, name)
);
COMMENT ON TABLE capabilities IS 'What tools may be allowed to do.';
COMMENT ON COLUMN capabilities.id IS 'capability_id of the events.';
COMMENT ON COLUMN capabilities.name IS 'What it is called.';
COMMENT ON COLUMN capabilities.scopes IS 'What it reaches, an array of strings such as mail:send.';
COMMENT ON CONSTRAINT capabilities_name ON capabilities IS 'A name means one capability.';

CREATE TABLE tool_capabilities (
    tenant_id     text COLLATE "C" NOT NULL,
    tool_id       uuid NOT NULL,
    capability_id uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    position      bigint NOT NULL,
    PRIMARY KEY (tenant_id, tool_id, capability_id),
    FOREIGN KEY (tenant_id, tool_id) REFERENCES tools ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, capability_id) REFERENCES capabilities ON DELETE RESTRICT
);
COMMENT ON TABLE tool_capabilities IS 'Which tool is granted which capability now.';
COMMENT ON COLUMN tool_capabilities.tool_id IS 'The tool; what it is granted goes when it goes.';
COMMENT ON COLUMN tool_capabilities.capability_id IS
    'What it is granted; a capability that a tool has can''t be deleted.';
CREATE INDEX tool_capabilities_capability ON tool_capabilities (tenant_id, capability_id);
COMMENT ON INDEX tool_capabilities_capability IS 'The tools that have a capability.';

CREATE TABLE schemas (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    document_type  text COLLATE "C" NOT NULL CHECK (char_length(document_type) BETWEEN 1 AND 64),
    schema_version integer NOT NULL CHECK (schema_version > 0),
    json_schema    jsonb NOT NULL CHECK (jsonb_typeof(json_schema) = 'object'),
    active         boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT schemas_numbered UNIQUE (tenant_id, document_type, schema_version)
);
COMMENT ON TABLE schemas IS
    'JSON Schemas of documents; a schema never changes but for whether it counts.';
COMMENT ON COLUMN schemas.id IS 'schema_id of the events.';
COMMENT ON COLUMN schemas.document_type IS
    'The type of document: work_items.type, or that of another document.';
COMMENT ON COLUMN schemas.schema_version IS
    'Number of the schema among those of its type: document_version of the event.';
COMMENT ON COLUMN schemas.json_schema IS
    'The schema; that it is one was checked when it was said.';
COMMENT ON COLUMN schemas.active IS 'Whether new documents of the type have to obey it.';
COMMENT ON CONSTRAINT schemas_numbered ON schemas IS
    'One schema a number, and the way to the schemas of a type.';
CREATE UNIQUE INDEX schemas_active ON schemas (tenant_id, document_type) WHERE active;
COMMENT ON INDEX schemas_active IS
    'One active schema a type at most: the former one is retired before the next is activated.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'work_orders', 'work_items', 'attempts', 'approval_events', 'eval_results', 'mem_docs',
        'workflow_templates', 'runs', 'dead_letters', 'connectors', 'tools', 'capabilities',
        'tool_capabilities', 'schemas'
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
    PERFORM projections.index_embeddings('mem_docs');
END
$$;
