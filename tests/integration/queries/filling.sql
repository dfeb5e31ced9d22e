-- name: begin
-- Rows without their parents' checks, which would take longer than the rows; and ids from numbers.
SET session_replication_role = replica;
SET search_path = projections, public;
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT md5(kind || ' ' || n)::uuid $$;
CREATE FUNCTION pg_temp.at(n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
$$ SELECT timestamptz '2026-01-01' + n * interval '1 minute' $$

-- name: packaging
-- Packages with a part of each kind; every tenth is deleted, every 500th waits for approval.
INSERT INTO packages (
    tenant_id, id, name, version, publisher, description, status, installer_id, psadt_script_id,
    wdac_policy_id, documentation_id, metadata, tags, deleted_at, created_at, updated_at, position)
SELECT %(tenant)s, pg_temp.id('package', n), 'app-' || n / 3, '1.' || n, 'publisher-' || n %% 300, NULL,
       CASE WHEN n %% 500 = 0 THEN 'waiting_approval'
            ELSE (ARRAY['draft', 'completed', 'failed'])[1 + n %% 3] END,
       pg_temp.id('installer', n), pg_temp.id('script', n), pg_temp.id('policy', n),
       pg_temp.id('manual', n), '{}', jsonb_build_array('tag-' || n %% 400, 'all'),
       CASE WHEN n %% 10 = 9 THEN pg_temp.at(n) END, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO installers
SELECT %(tenant)s, pg_temp.id('installer', n), pg_temp.id('package', n), 'a.msi', '/a.msi', 'msi', n,
       repeat(md5('file ' || n / 2), 2), '{}', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO psadt_scripts
SELECT %(tenant)s, pg_temp.id('script', n), pg_temp.id('package', n), 'install', '{}', 2,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO psadt_script_versions
SELECT %(tenant)s, pg_temp.id('version', n * 2 + v), pg_temp.id('script', n), v, 'install', '{}',
       'ann', NULL, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 2) AS n, generate_series(1, 2) AS v;
INSERT INTO wdac_policies
SELECT %(tenant)s, pg_temp.id('policy', n), pg_temp.id('package', n), '<p/>', '{}', '{}', true,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO documentation (
    tenant_id, id, package_id, content, sections, created_at, updated_at, position)
SELECT %(tenant)s, pg_temp.id('manual', n), pg_temp.id('package', n), 'how', '{}',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO process_history
SELECT %(tenant)s, pg_temp.id('move', n * 2 + m), pg_temp.id('package', n),
       CASE m WHEN 1 THEN 'draft' END, CASE m WHEN 1 THEN 'failed' ELSE 'draft' END, 'ann', NULL,
       pg_temp.id('run', n / 10), pg_temp.at(n), pg_temp.at(n), n * 2 + m
  FROM generate_series(1, %(n)s / 2) AS n, generate_series(0, 1) AS m;
INSERT INTO knowledge_items (
    tenant_id, id, title, content, source_package_id, created_at, updated_at, position)
SELECT %(tenant)s, pg_temp.id('known', n), 'a', 'b', pg_temp.id('package', n / 4),
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 3) AS n;
INSERT INTO system_config
SELECT %(tenant)s, 'key-' || n, '1', 3, 'ann', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO system_config_history
SELECT %(tenant)s, pg_temp.id('change', n * 10 + r), 'key-' || n, to_jsonb(r), r, 'ann', NULL,
       pg_temp.at(n), pg_temp.at(n), n * 10 + r
  FROM generate_series(1, %(n)s / 30) AS n, generate_series(1, 9) AS r;
INSERT INTO agent_states
SELECT %(tenant)s, 'agent-' || n, 'working', pg_temp.id('package', n), pg_temp.at(n), pg_temp.at(n),
       pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n

-- name: work
-- Orders of ten items, each with an attempt, an approval and an evaluation; most is done.
INSERT INTO work_orders
SELECT %(tenant)s, pg_temp.id('order', n), 'order', CASE n %% 20 WHEN 0 THEN 'PENDING' ELSE 'COMPLETED' END,
       (ARRAY['LOW', 'MEDIUM', 'HIGH', 'URGENT'])[1 + n / 20 %% 4], '{}', 10, 9,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 5) AS n;
INSERT INTO work_items
SELECT %(tenant)s, pg_temp.id('item', n), pg_temp.id('order', greatest(n / 10, 1)),
       (ARRAY['INVOICE', 'TICKET'])[1 + n %% 2],
       CASE WHEN n %% 20 < 2 THEN 'QUEUED' ELSE 'COMPLETED' END, '{"a": "b"}', 1,
       CASE WHEN n %% 3 > 0 THEN 'agent-' || n %% 50 END, pg_temp.id('package', n),
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO attempts
SELECT %(tenant)s, pg_temp.id('attempt', n), pg_temp.id('item', n / 2), 1 + n %% 2, 'agent-' || n %% 50,
       'COMPLETED', '{}', '{}', NULL, pg_temp.at(n), pg_temp.at(n), 1, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO approval_events
SELECT %(tenant)s, pg_temp.id('approval', n), pg_temp.id('item', n / 2), 'agent-' || n %% 50,
       CASE WHEN n %% 200 IN (2, 7) THEN 'ESCALATED' ELSE 'APPROVED' END, NULL, '1', pg_temp.at(n),
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO eval_results
SELECT %(tenant)s, pg_temp.id('eval', n), pg_temp.id('item', n / 2), 'judge-' || n %% 20, 0.5, true,
       '{}', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO mem_docs (
    tenant_id, id, work_item_id, type, content, created_at, updated_at, position)
SELECT %(tenant)s, pg_temp.id('doc', n), pg_temp.id('item', n / 2),
       (ARRAY['CONTEXT', 'KNOWLEDGE', 'TEMPLATE'])[1 + n %% 3], 'x', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 3) AS n;
INSERT INTO workflow_templates
SELECT %(tenant)s, pg_temp.id('flow', n), 'flow-' || n / 10, 1 + n %% 10, '{}', pg_temp.at(n),
       pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO runs
SELECT %(tenant)s, pg_temp.id('run', n), pg_temp.id('flow', n %% 50), pg_temp.id('order', n / 2),
       CASE n %% 10 WHEN 0 THEN 'STARTED' ELSE 'COMPLETED' END, pg_temp.at(n),
       CASE n %% 10 WHEN 0 THEN NULL ELSE pg_temp.at(n) END, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO dead_letters
SELECT %(tenant)s, pg_temp.id('letter', n), 'source-' || n %% 20, pg_temp.id('event', n), '{}', 'x', 0,
       NULL, CASE n %% 20 WHEN 0 THEN NULL ELSE pg_temp.at(n) END, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO connectors
SELECT %(tenant)s, pg_temp.id('connector', n), 'connector-' || n, 'API', 'ACTIVE', '{}', NULL, '{}',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 100) AS n;
INSERT INTO tools
SELECT %(tenant)s, pg_temp.id('tool', n), pg_temp.id('connector', n / 10), 'tool-' || n, '1', '{}', '{}',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 5) AS n;
INSERT INTO capabilities
SELECT %(tenant)s, pg_temp.id('capability', n), 'capability-' || n, '[]', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, 50) AS n;
INSERT INTO tool_capabilities
SELECT %(tenant)s, pg_temp.id('tool', n), pg_temp.id('capability', 1 + n %% 50), pg_temp.at(n),
       pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 5) AS n;
INSERT INTO schemas
SELECT %(tenant)s, pg_temp.id('schema', n), 'TYPE-' || n / 10, 1 + n %% 10, '{}', n %% 10 = 9,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 5) AS n

-- name: projects
-- Projects that change; a template for three of them.
INSERT INTO project_contexts (
    tenant_id, id, name, type, status, owner_id, codebase, dependencies, environment_vars,
    test_coverage, security_score, performance_score, created_at, updated_at, position)
SELECT %(tenant)s, pg_temp.id('project', n), 'project', 'api',
       CASE n %% 10 WHEN 0 THEN 'archived' ELSE 'active' END, 'user-' || n %% 500,
       jsonb_build_object('src/main-' || n %% 400 || '.py', 'x', 'README.md', 'y'),
       ARRAY['lib-' || n %% 400, 'requests'], jsonb_build_object('VAR_' || n %% 400, 1, 'PATH', 2),
       50 + n %% 50, 60 + n %% 40, 20 + n %% 80, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO modifications
SELECT %(tenant)s, pg_temp.id('modification', n), pg_temp.id('project', n / 3), 'change', 'user-1',
       pg_temp.at(n), '{}', '{}', CASE n %% 20 WHEN 0 THEN 'pending' ELSE 'rejected' END, NULL, NULL,
       jsonb_build_object('src/main-' || n %% 400 || '.py', 'x'), '{}', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO templates
SELECT %(tenant)s, pg_temp.id('template', n), 'template', 'x',
       (ARRAY['api', 'web', 'mobile', 'data', 'microservice'])[1 + n %% 5], '{}', '{}', '{}',
       ARRAY['tech-' || n %% 100, 'python'], ARRAY['tag-' || n %% 100, 'rest'], 10,
       (ARRAY['simple', 'medium', 'complex'])[1 + n %% 3], pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 3) AS n

-- name: trust
-- Agents with sessions in which things are said, decided and measured; one session is very long.
INSERT INTO agents
SELECT %(tenant)s, 'agent-' || n, 'agent', 'persona-' || n %% 20, '{}', '{}', true, 1,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO agent_sessions
SELECT %(tenant)s, pg_temp.id('session', n), 'agent-' || n %% (%(n)s / 30), 'user-1', 1, '{}', pg_temp.at(n),
       pg_temp.at(n + 100), CASE n %% 50 WHEN 0 THEN NULL ELSE pg_temp.at(n) END,
       CASE n %% 50 WHEN 0 THEN 'active' ELSE 'completed' END, '{}', 1, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO agent_decisions
SELECT %(tenant)s, pg_temp.id('decision', n), pg_temp.id('session', n / 2), 'type-' || n %% 20, '{}', 'why',
       '{}', 0.5, CASE n %% 10 WHEN 0 THEN NULL ELSE 'approved' END, 'success', 1,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO trust_metrics
SELECT %(tenant)s, pg_temp.id('metric', n), pg_temp.id('session', n / 2), 'agent-' || n %% (%(n)s / 30),
       (ARRAY['accuracy', 'autonomy'])[1 + n / 30 %% 2], 50, '{}', pg_temp.at(n),
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO trust_metrics_daily
SELECT %(tenant)s, 'agent-' || n, 'accuracy', date '2025-12-01' + d, 2, 10, 5, 4, 6, 1,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n, generate_series(1, 30) AS d;
INSERT INTO trust_levels
SELECT %(tenant)s, 'agent-' || n, n %% 5, n %% 100 / 100.0, 0, '[]', 10, 5, 5, pg_temp.at(n),
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO trust_level_changes
SELECT %(tenant)s, pg_temp.id('change', n), 'agent-' || n %% (%(n)s / 30), pg_temp.id('decision', n),
       'success', 0, 1, 0.1, 0.2, jsonb_build_array(pg_temp.id('decision', n)), pg_temp.at(n),
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 3) AS n;
INSERT INTO agent_knowledge (
    tenant_id, knowledge_id, agent_id, knowledge_type, domain, content, usage_count, success_count,
    success_rate, last_used_at, created_at, updated_at, position)
SELECT %(tenant)s, pg_temp.id('known', n), 'agent-' || n %% 50, 'pattern', 'domain-' || n %% 200, '{}', 100,
       n %% 100, n %% 100 / 100.0, pg_temp.at(n), pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 3) AS n;
INSERT INTO conversation_messages
SELECT %(tenant)s, pg_temp.id('message', n), pg_temp.id('session', greatest(n / 5, %(n)s / 15)),
       CASE WHEN n %% 5 > 0 THEN pg_temp.id('message', n - n %% 5) END, pg_temp.at(n * 5),
       pg_temp.at(n * 5), pg_temp.at(n * 5), n
  FROM generate_series(1, %(n)s) AS n;
SELECT projections.make_months('projections', 'conversation_history', ARRAY(
    SELECT DISTINCT date_trunc('month', sent_at, 'UTC')::date FROM conversation_messages));
INSERT INTO conversation_history (
    tenant_id, message_id, session_id, role, content, message_type, parent_message_id, created_at,
    updated_at, position)
SELECT tenant_id, message_id, session_id, 'user', 'said', 'text', parent_message_id, created_at,
       updated_at, position
  FROM conversation_messages WHERE tenant_id = %(tenant)s;
INSERT INTO agent_audit_log
SELECT %(tenant)s, pg_temp.id('audit', n), 'agent-' || n %% 50, pg_temp.id('session', n / 2), 'act', '{}',
       CASE n %% 50 WHEN 0 THEN 'critical' ELSE 'low' END, NULL, '10.0.0.1', NULL,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n

-- name: workspaces
-- People in workspaces with artifacts; most is in step with the services outside.
INSERT INTO users (
    tenant_id, id, azure_id, email, display_name, role, created_at, updated_at, position)
SELECT %(tenant)s, 'user-' || n, 'azure-' || n, 'User-' || n || '@example.org', 'A user', 'viewer',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 3) AS n;
INSERT INTO user_profiles
SELECT tenant_id, id, '{}', NULL, 'UTC', created_at, updated_at, position
  FROM users WHERE tenant_id = %(tenant)s;
INSERT INTO auth_tokens
SELECT %(tenant)s, pg_temp.id('token', n), 'user-' || n %% 500, repeat(md5(%(tenant)s || n), 2),
       pg_temp.at(n), pg_temp.at(n + 100), NULL, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO workspaces
SELECT %(tenant)s, pg_temp.id('workspace', n), 'workspace', NULL, 'user-1', NULL, '{}', '{}', 3, NULL,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO user_sessions
SELECT %(tenant)s, pg_temp.id('session', n), 'user-' || n %% 500, pg_temp.id('workspace', n / 30),
       pg_temp.at(n), pg_temp.at(n + 100), pg_temp.at(n),
       CASE n %% 50 WHEN 0 THEN NULL ELSE pg_temp.at(n) END,
       CASE n %% 50 WHEN 0 THEN NULL ELSE 'signed_out' END, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO workspace_members
SELECT %(tenant)s, pg_temp.id('workspace', n), 'user-' || (n * 7 + m) %% 500, 'viewer',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n, generate_series(1, 20) AS m;
INSERT INTO workspace_configs
SELECT %(tenant)s, pg_temp.id('workspace', n), v, '{}', NULL, NULL, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n, generate_series(1, 3) AS v;
INSERT INTO workspace_settings
SELECT %(tenant)s, pg_temp.id('workspace', n), 90, '{}', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO workflows
SELECT %(tenant)s, pg_temp.id('workflow', n), pg_temp.id('workspace', n / 6), 'workflow', 'pending',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 5) AS n;
INSERT INTO phases
SELECT %(tenant)s, pg_temp.id('phase', n), pg_temp.id('workflow', n / 5), 1 + n %% 5, 'phase', 'pending',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO artifacts
SELECT %(tenant)s, pg_temp.id('artifact', n), pg_temp.id('workspace', n / 30), 'artifact',
       (ARRAY['prd', 'architecture'])[1 + n %% 2], NULL, (ARRAY['draft', 'approved'])[1 + n / 2 %% 2],
       'synced', 'not_synced', 1, CASE n %% 10 WHEN 0 THEN pg_temp.at(n) END,
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO artifact_versions
SELECT %(tenant)s, pg_temp.id('version', n), pg_temp.id('artifact', n / 2), 1 + n %% 2,
       repeat(md5('' || n), 2), 'ann', pg_temp.at(n), pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO integration_configs
SELECT %(tenant)s, pg_temp.id('integration', n), (ARRAY['github', 'sharepoint'])[1 + n %% 2], 'service',
       '{}', NULL, 'active', pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO external_connections
SELECT %(tenant)s, pg_temp.id('connection', n), pg_temp.id('integration', n), 'user-1', 'github', '{}',
       NULL, 'active', NULL, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO workspace_integrations
SELECT %(tenant)s, pg_temp.id('workspace', n), pg_temp.id('connection', n), 'active', pg_temp.at(n), '{}',
       pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s / 30) AS n;
INSERT INTO sync_status
SELECT %(tenant)s, pg_temp.id('artifact', n), 'github', CASE n %% 20 WHEN 0 THEN 'failed' ELSE 'synced' END,
       1, pg_temp.at(n), CASE n %% 20 WHEN 0 THEN 'no' END, pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n;
INSERT INTO sync_logs
SELECT %(tenant)s, pg_temp.id('log', n), pg_temp.id('workspace', n / 30), pg_temp.id('artifact', n),
       pg_temp.id('connection', n / 30), 'github', 'save', 'success', '{}', NULL, pg_temp.at(n),
       pg_temp.at(n), pg_temp.at(n), pg_temp.at(n), n
  FROM generate_series(1, %(n)s) AS n
