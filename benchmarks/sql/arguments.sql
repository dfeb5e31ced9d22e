-- Values that each named query of a context is asked with, as they are in the tables: of the query
-- `package` of packaging, `packaging_package`.

-- name: packaging_package
SELECT id AS package_id
  FROM packages
 ORDER BY random() LIMIT %(most)s

-- name: packaging_named
SELECT publisher, name, version
  FROM packages
 WHERE deleted_at IS NULL
 ORDER BY random() LIMIT %(most)s

-- name: packaging_of_status
SELECT status
  FROM packages
 ORDER BY random() LIMIT %(most)s

-- name: packaging_of_publisher
SELECT publisher
  FROM packages
 ORDER BY random() LIMIT %(most)s

-- name: packaging_tagged
SELECT tags ->> 0 AS tag
  FROM packages
 WHERE tags <> '[]'
 ORDER BY random() LIMIT %(most)s

-- name: packaging_with_file
SELECT sha256
  FROM installers
 ORDER BY random() LIMIT %(most)s

-- name: packaging_waiting_approval
SELECT 1 AS nothing
  FROM packages
 ORDER BY random() LIMIT %(most)s

-- name: packaging_moves
SELECT package_id
  FROM process_history
 ORDER BY random() LIMIT %(most)s

-- name: packaging_moves_in_run
SELECT correlation_id
  FROM process_history
 ORDER BY random() LIMIT %(most)s

-- name: packaging_setting
SELECT key
  FROM system_config
 ORDER BY random() LIMIT %(most)s

-- name: packaging_settings
SELECT 1 AS nothing
  FROM system_config
 ORDER BY random() LIMIT %(most)s

-- name: packaging_agents
SELECT 1 AS nothing
  FROM agent_states
 ORDER BY random() LIMIT %(most)s

-- name: packaging_learned_from
SELECT source_package_id AS package_id
  FROM knowledge_items
 WHERE source_package_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: work_order
SELECT id AS work_order_id
  FROM work_orders
 ORDER BY random() LIMIT %(most)s

-- name: work_orders
SELECT status, priority
  FROM work_orders
 ORDER BY random() LIMIT %(most)s

-- name: work_items_of_order
SELECT work_order_id
  FROM work_items
 ORDER BY random() LIMIT %(most)s

-- name: work_items
SELECT status
  FROM work_items
 ORDER BY random() LIMIT %(most)s

-- name: work_items_of_type
SELECT status, type
  FROM work_items
 ORDER BY random() LIMIT %(most)s

-- name: work_items_of_agent
SELECT assigned_agent AS agent_id, status
  FROM work_items
 WHERE assigned_agent IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: work_items_of_package
SELECT package_id
  FROM work_items
 WHERE package_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: work_next_items
SELECT assigned_agent AS agent_id, CASE WHEN random() < 0.5 THEN type END AS type
  FROM work_items
 WHERE assigned_agent IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: work_item
SELECT id AS work_item_id
  FROM work_items
 ORDER BY random() LIMIT %(most)s

-- name: work_attempts
SELECT work_item_id
  FROM attempts
 ORDER BY random() LIMIT %(most)s

-- name: work_attempts_of_agent
SELECT agent_id, status
  FROM attempts
 ORDER BY random() LIMIT %(most)s

-- name: work_pending_approvals
SELECT 1 AS nothing
  FROM approval_events
 ORDER BY random() LIMIT %(most)s

-- name: work_approvals_by
SELECT approver
  FROM approval_events
 ORDER BY random() LIMIT %(most)s

-- name: work_evaluations
SELECT work_item_id
  FROM eval_results
 ORDER BY random() LIMIT %(most)s

-- name: work_evaluations_by
SELECT evaluator
  FROM eval_results
 ORDER BY random() LIMIT %(most)s

-- name: work_remembered_of
SELECT work_item_id
  FROM mem_docs
 WHERE work_item_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: work_remembered
SELECT type
  FROM mem_docs
 ORDER BY random() LIMIT %(most)s

-- name: work_dead_letters
SELECT CASE WHEN random() < 0.5 THEN source END AS source
  FROM dead_letters
 ORDER BY random() LIMIT %(most)s

-- name: work_dead_letters_of
SELECT event_id
  FROM dead_letters
 WHERE event_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: work_active_schema
SELECT document_type
  FROM schemas
 ORDER BY random() LIMIT %(most)s

-- name: work_schemas
SELECT document_type
  FROM schemas
 ORDER BY random() LIMIT %(most)s

-- name: work_connectors
SELECT 1 AS nothing
  FROM connectors
 ORDER BY random() LIMIT %(most)s

-- name: work_tools
SELECT name
  FROM tools
 ORDER BY random() LIMIT %(most)s

-- name: work_tools_that_may
SELECT name AS capability
  FROM capabilities
 ORDER BY random() LIMIT %(most)s

-- name: work_newest_template
SELECT name
  FROM workflow_templates
 ORDER BY random() LIMIT %(most)s

-- name: work_runs
SELECT status
  FROM runs
 ORDER BY random() LIMIT %(most)s

-- name: work_runs_of_template
SELECT workflow_template_id
  FROM runs
 WHERE workflow_template_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: projects_project
SELECT id AS project_id
  FROM project_contexts
 ORDER BY random() LIMIT %(most)s

-- name: projects_of_owner
SELECT owner_id, status
  FROM project_contexts
 ORDER BY random() LIMIT %(most)s

-- name: projects_low_scores
SELECT lowest_score AS highest
  FROM project_contexts
 ORDER BY random() LIMIT %(most)s

-- name: projects_depending_on
SELECT dependencies[1] AS dependency
  FROM project_contexts
 WHERE dependencies <> '{}'
 ORDER BY random() LIMIT %(most)s

-- name: projects_having_file
SELECT (SELECT min(f) FROM jsonb_object_keys(codebase) AS f) AS path
  FROM project_contexts
 WHERE codebase <> '{}'
 ORDER BY random() LIMIT %(most)s

-- name: projects_having_variable
SELECT (SELECT min(f) FROM jsonb_object_keys(environment_vars) AS f) AS variable
  FROM project_contexts
 WHERE environment_vars <> '{}'
 ORDER BY random() LIMIT %(most)s

-- name: projects_modification
SELECT id AS modification_id
  FROM modifications
 ORDER BY random() LIMIT %(most)s

-- name: projects_modifications_of
SELECT project_id
  FROM modifications
 ORDER BY random() LIMIT %(most)s

-- name: projects_modifications
SELECT status
  FROM modifications
 ORDER BY random() LIMIT %(most)s

-- name: projects_modifying
SELECT (SELECT min(f) FROM jsonb_object_keys(modified_files) AS f) AS path
  FROM modifications
 WHERE modified_files <> '{}'
 ORDER BY random() LIMIT %(most)s

-- name: projects_template
SELECT id AS template_id
  FROM templates
 ORDER BY random() LIMIT %(most)s

-- name: projects_templates_of_category
SELECT category, complexity
  FROM templates
 ORDER BY random() LIMIT %(most)s

-- name: projects_templates_with_tech
SELECT tech_stack[1] AS tech
  FROM templates
 ORDER BY random() LIMIT %(most)s

-- name: projects_templates_tagged
SELECT tags[1] AS tag
  FROM templates
 ORDER BY random() LIMIT %(most)s

-- name: trust_standing
SELECT agent_id
  FROM agents
 ORDER BY random() LIMIT %(most)s

-- name: trust_level_changes
SELECT agent_id
  FROM trust_level_changes
 ORDER BY random() LIMIT %(most)s

-- name: trust_agents_at
SELECT level
  FROM trust_levels
 ORDER BY random() LIMIT %(most)s

-- name: trust_agents_of
SELECT persona_type
  FROM agents
 ORDER BY random() LIMIT %(most)s

-- name: trust_messages
SELECT session_id
  FROM conversation_messages
 GROUP BY session_id HAVING count(*) >= 5000
 ORDER BY random() LIMIT %(most)s

-- name: trust_replies
SELECT parent_message_id AS message_id
  FROM conversation_messages
 WHERE parent_message_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: trust_session
SELECT session_id
  FROM agent_sessions
 ORDER BY random() LIMIT %(most)s

-- name: trust_open_sessions
SELECT agent_id, started_at AS at
  FROM agent_sessions
 ORDER BY random() LIMIT %(most)s

-- name: trust_sessions_of
SELECT agent_id
  FROM agent_sessions
 ORDER BY random() LIMIT %(most)s

-- name: trust_decision
SELECT decision_id
  FROM agent_decisions
 ORDER BY random() LIMIT %(most)s

-- name: trust_waiting_for_feedback
SELECT 1 AS nothing
  FROM agent_decisions
 ORDER BY random() LIMIT %(most)s

-- name: trust_decisions_of_type
SELECT decision_type
  FROM agent_decisions
 ORDER BY random() LIMIT %(most)s

-- name: trust_metrics
SELECT agent_id, metric_type, recorded_at - interval '30 days' AS since, recorded_at AS until
  FROM trust_metrics
 ORDER BY random() LIMIT %(most)s

-- name: trust_metrics_of_session
SELECT session_id
  FROM trust_metrics
 ORDER BY random() LIMIT %(most)s

-- name: trust_knowledge
SELECT agent_id, knowledge_type
  FROM agent_knowledge
 ORDER BY random() LIMIT %(most)s

-- name: trust_knowledge_about
SELECT domain
  FROM agent_knowledge
 ORDER BY random() LIMIT %(most)s

-- name: trust_actions_of
SELECT agent_id
  FROM agent_audit_log
 ORDER BY random() LIMIT %(most)s

-- name: trust_actions_in
SELECT session_id
  FROM agent_audit_log
 WHERE session_id IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: trust_risky_actions
SELECT created_at - interval '30 days' AS since
  FROM agent_audit_log
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_overview
SELECT id AS workspace_id
  FROM workspaces
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_configuration
SELECT id AS workspace_id
  FROM workspaces
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_workspaces_of
SELECT user_id
  FROM workspace_members
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_sign_in
SELECT upper(email) AS email, last_login AS at
  FROM users
 WHERE last_login IS NOT NULL
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_token
SELECT token_hash, issued_at AS at
  FROM auth_tokens
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_user_session
SELECT session_id
  FROM user_sessions
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_profile
SELECT id AS user_id
  FROM users
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_service
SELECT id AS integration_id
  FROM integration_configs
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_services
SELECT service_type, status
  FROM integration_configs
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_members
SELECT workspace_id
  FROM workspace_members
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_configurations
SELECT workspace_id
  FROM workspace_configs
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_artifact
SELECT id AS artifact_id
  FROM artifacts
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_artifacts
SELECT workspace_id
  FROM artifacts
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_sync_log
SELECT workspace_id
  FROM sync_logs
 ORDER BY random() LIMIT %(most)s

-- name: workspaces_not_synced
SELECT 'failed' AS state
  FROM sync_status
 ORDER BY random() LIMIT %(most)s
