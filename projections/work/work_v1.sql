-- The tables of work, for projection_version 1 and up. Names without a schema belong to the one that
-- the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. Where an ON DELETE is not written, a parent that has children stays.

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
CREATE INDEX work_orders_status ON work_orders (tenant_id, status, priority);
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
CREATE INDEX work_items_order ON work_items (tenant_id, work_order_id);
COMMENT ON INDEX work_items_order IS 'The items of an order.';
CREATE INDEX work_items_status ON work_items (tenant_id, status, type);
COMMENT ON INDEX work_items_status IS 'Items by status, then type.';
CREATE INDEX work_items_agent ON work_items (tenant_id, assigned_agent, status)
    WHERE assigned_agent IS NOT NULL;
COMMENT ON INDEX work_items_agent IS 'The items of an agent.';
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
CREATE INDEX attempts_agent ON attempts (tenant_id, agent_id, status);
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
        FOREIGN KEY (tenant_id, work_item_id) REFERENCES work_items
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
    ON approval_events (tenant_id, approver, decided_at);
COMMENT ON INDEX approval_events_approver IS 'The decisions of an approver, by time.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['work_orders', 'work_items', 'attempts', 'approval_events'] LOOP
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
