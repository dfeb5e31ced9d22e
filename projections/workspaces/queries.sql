-- name: overview
-- A workspace with what people want to see of it first, in one answer.
SELECT json_build_object(
    'workspace', (SELECT to_json(x) FROM (
        SELECT w.id, w.name, w.description, w.owner_id, w.github_repo_url, w.config_version,
               w.deleted_at, w.updated_at) AS x),
    'owner', (SELECT u.display_name FROM users AS u
               WHERE u.tenant_id = w.tenant_id AND u.id = w.owner_id),
    'configuration', coalesce(c.config, '{}'),
    'settings', coalesce(s.settings, '{}'),
    'chat_history_days', s.chat_history_days,
    'members', coalesce((
        SELECT json_agg(x) FROM (
            SELECT m.user_id, u.display_name, m.role
              FROM workspace_members AS m
              JOIN users AS u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
             WHERE m.tenant_id = w.tenant_id AND m.workspace_id = w.id
             ORDER BY m.user_id LIMIT %(parts)s) AS x), '[]'),
    'artifacts', coalesce((
        SELECT json_object_agg(x.status, x.count) FROM (
            SELECT a.status, count(*) FROM artifacts AS a
             WHERE a.tenant_id = w.tenant_id AND a.workspace_id = w.id AND a.deleted_at IS NULL
             GROUP BY a.status) AS x), '{}'),
    'workflows', coalesce((
        SELECT json_agg(x) FROM (
            SELECT f.id, f.name, f.status, coalesce((
                       SELECT json_agg(json_build_object(
                                  'id', p.id, 'ordinal', p.ordinal, 'name', p.name,
                                  'status', p.status) ORDER BY p.ordinal)
                         FROM phases AS p
                        WHERE p.tenant_id = f.tenant_id AND p.workflow_id = f.id), '[]') AS phases
              FROM workflows AS f
             WHERE f.tenant_id = w.tenant_id AND f.workspace_id = w.id
             ORDER BY f.status, f.id LIMIT %(parts)s) AS x), '[]'),
    'integrations', coalesce((
        SELECT json_agg(x) FROM (
            SELECT i.connection_id, e.service_type, i.integration_status, i.last_sync_at
              FROM workspace_integrations AS i
              JOIN external_connections AS e
                ON e.tenant_id = i.tenant_id AND e.id = i.connection_id
             WHERE i.tenant_id = w.tenant_id AND i.workspace_id = w.id
             ORDER BY i.connection_id LIMIT %(parts)s) AS x), '[]'),
    'last_syncs', coalesce((
        SELECT json_agg(x) FROM (
            SELECT l.id, l.artifact_id, l.connection_id, l.service_type, l.operation, l.status,
                   l.error_message, l.started_at, l.ended_at
              FROM sync_logs AS l
             WHERE l.tenant_id = w.tenant_id AND l.workspace_id = w.id
             ORDER BY l.started_at DESC, l.id DESC LIMIT 10) AS x), '[]'))
  FROM workspaces AS w
  LEFT JOIN workspace_configs AS c
    ON c.tenant_id = w.tenant_id AND c.workspace_id = w.id AND c.config_version = w.config_version
  LEFT JOIN workspace_settings AS s ON s.tenant_id = w.tenant_id AND s.workspace_id = w.id
 WHERE w.tenant_id = %(tenant)s AND w.id = %(workspace_id)s

-- name: configuration
-- The configuration and settings in force.
SELECT json_build_object(
           'workspace_id', w.id, 'config_version', w.config_version,
           'config', coalesce(c.config, '{}'), 'settings', coalesce(s.settings, '{}'),
           'chat_history_days', s.chat_history_days,
           'sharepoint_config', w.sharepoint_config, 'ignis_config', w.ignis_config)
  FROM workspaces AS w
  LEFT JOIN workspace_configs AS c
    ON c.tenant_id = w.tenant_id AND c.workspace_id = w.id AND c.config_version = w.config_version
  LEFT JOIN workspace_settings AS s ON s.tenant_id = w.tenant_id AND s.workspace_id = w.id
 WHERE w.tenant_id = %(tenant)s AND w.id = %(workspace_id)s AND w.deleted_at IS NULL

-- name: workspaces_of
-- The workspaces that a person belongs to and that are in use, by id.
SELECT json_build_object(
           'id', w.id, 'name', w.name, 'description', w.description, 'role', m.role,
           'owner_id', w.owner_id, 'updated_at', w.updated_at)
  FROM workspace_members AS m
  JOIN workspaces AS w ON w.tenant_id = m.tenant_id AND w.id = m.workspace_id
 WHERE m.tenant_id = %(tenant)s AND m.user_id = %(user_id)s AND w.deleted_at IS NULL
   AND (%(after)s::uuid IS NULL OR w.id > %(after)s)
 ORDER BY w.id LIMIT %(limit)s

-- name: sign_in
-- A person by e-mail address or the directory's id, with profile and the sessions open at a time.
SELECT json_build_object(
           'user', (SELECT to_json(x) FROM (SELECT u.id, u.azure_id, u.email, u.display_name,
                                                   u.role, u.last_login) AS x),
           'preferences', coalesce(p.preferences, '{}'), 'avatar', p.avatar,
           'timezone', coalesce(p.timezone, 'UTC'),
           'sessions', coalesce((
               SELECT json_agg(x) FROM (
                   SELECT s.session_id, s.workspace_id, s.started_at, s.expires_at, s.last_seen_at
                     FROM user_sessions AS s
                    WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id AND s.ended_at IS NULL
                      AND s.expires_at > %(at)s
                    ORDER BY s.started_at DESC LIMIT %(parts)s) AS x), '[]'))
  FROM users AS u
  LEFT JOIN user_profiles AS p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
 WHERE u.tenant_id = %(tenant)s AND u.id = (
       SELECT id FROM users
        WHERE tenant_id = %(tenant)s
          AND email_key = lower(%(email)s::text COLLATE "pg_c_utf8")
       UNION ALL
       SELECT id FROM users WHERE tenant_id = %(tenant)s AND azure_id = %(azure_id)s
       LIMIT 1)

-- name: token
-- Whose token has this hash, if it is valid at a time.
SELECT json_build_object(
           'id', t.id, 'user_id', t.user_id, 'role', u.role, 'issued_at', t.issued_at,
           'expires_at', t.expires_at)
  FROM auth_tokens AS t JOIN users AS u ON u.tenant_id = t.tenant_id AND u.id = t.user_id
 WHERE t.tenant_id = %(tenant)s AND t.token_hash = %(token_hash)s
   AND t.revoked_at IS NULL AND t.issued_at <= %(at)s AND t.expires_at > %(at)s

-- name: user_session
-- A person's session, as it is.
SELECT json_build_object(
           'session_id', s.session_id, 'user_id', s.user_id, 'workspace_id', s.workspace_id,
           'started_at', s.started_at, 'expires_at', s.expires_at,
           'last_seen_at', s.last_seen_at, 'ended_at', s.ended_at, 'end_reason', s.end_reason)
  FROM user_sessions AS s
 WHERE s.tenant_id = %(tenant)s AND s.session_id = %(session_id)s

-- name: profile
-- A person, and how the person likes it.
SELECT json_build_object(
           'user_id', u.id, 'email', u.email, 'display_name', u.display_name, 'role', u.role,
           'preferences', coalesce(p.preferences, '{}'), 'avatar', p.avatar,
           'timezone', coalesce(p.timezone, 'UTC'))
  FROM users AS u
  LEFT JOIN user_profiles AS p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
 WHERE u.tenant_id = %(tenant)s AND u.id = %(user_id)s

-- name: service
-- How a service outside is configured; credentials stay encrypted.
SELECT json_build_object(
           'id', i.id, 'service_type', i.service_type, 'name', i.name,
           'service_config', i.service_config, 'credentials', i.credentials, 'status', i.status)
  FROM integration_configs AS i
 WHERE i.tenant_id = %(tenant)s AND i.id = %(integration_id)s

-- name: services
-- The services outside that are configured, of a type and in a status, by id.
SELECT json_build_object(
           'id', i.id, 'service_type', i.service_type, 'name', i.name,
           'service_config', i.service_config, 'credentials', i.credentials, 'status', i.status)
  FROM integration_configs AS i
 WHERE i.tenant_id = %(tenant)s AND i.service_type = %(service_type)s AND i.status = %(status)s
   AND (%(after)s::uuid IS NULL OR i.id > %(after)s)
 ORDER BY i.id LIMIT %(limit)s

-- name: members
-- Who belongs to a workspace, by id.
SELECT json_build_object('user_id', m.user_id, 'display_name', u.display_name, 'role', m.role)
  FROM workspace_members AS m
  JOIN users AS u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
 WHERE m.tenant_id = %(tenant)s AND m.workspace_id = %(workspace_id)s
   AND (%(after)s::text IS NULL OR m.user_id > %(after)s)
 ORDER BY m.user_id LIMIT %(limit)s

-- name: configurations
-- How a workspace was configured, the newest version first.
SELECT json_build_object(
           'config_version', c.config_version, 'config', c.config, 'changed_by', c.changed_by,
           'reason', c.reason, 'created_at', c.created_at)
  FROM workspace_configs AS c
 WHERE c.tenant_id = %(tenant)s AND c.workspace_id = %(workspace_id)s
   AND (%(before)s::integer IS NULL OR c.config_version < %(before)s)
 ORDER BY c.config_version DESC LIMIT %(limit)s

-- name: artifact
-- An artifact with its newest versions and how far services have it.
SELECT json_build_object(
           'id', a.id, 'workspace_id', a.workspace_id, 'name', a.name,
           'artifact_type', a.artifact_type, 'file_path', a.file_path, 'status', a.status,
           'github_sync_status', a.github_sync_status,
           'sharepoint_sync_status', a.sharepoint_sync_status,
           'latest_version', a.latest_version, 'deleted_at', a.deleted_at,
           'versions', coalesce((
               SELECT json_agg(x) FROM (
                   SELECT v.id, v.version_no, v.content_hash, v.author, v.added_at
                     FROM artifact_versions AS v
                    WHERE v.tenant_id = a.tenant_id AND v.artifact_id = a.id
                    ORDER BY v.version_no DESC LIMIT %(parts)s) AS x), '[]'),
           'syncs', coalesce((
               SELECT json_agg(x) FROM (
                   SELECT y.service_type, y.state, y.synced_version, y.last_sync_at,
                          y.error_message
                     FROM sync_status AS y
                    WHERE y.tenant_id = a.tenant_id AND y.artifact_id = a.id
                    ORDER BY y.service_type) AS x), '[]'))
  FROM artifacts AS a
 WHERE a.tenant_id = %(tenant)s AND a.id = %(artifact_id)s

-- name: artifacts
-- The artifacts of a workspace that are in use, by type, status and id.
SELECT json_build_object(
           'id', a.id, 'name', a.name, 'artifact_type', a.artifact_type, 'status', a.status,
           'latest_version', a.latest_version, 'github_sync_status', a.github_sync_status,
           'sharepoint_sync_status', a.sharepoint_sync_status)
  FROM artifacts AS a
 WHERE a.tenant_id = %(tenant)s AND a.workspace_id = %(workspace_id)s AND a.deleted_at IS NULL
   AND (%(after_id)s::uuid IS NULL
        OR (a.artifact_type, a.status, a.id) > (%(after_type)s, %(after_status)s, %(after_id)s))
 ORDER BY a.artifact_type, a.status, a.id LIMIT %(limit)s

-- name: sync_log
-- The operations of a workspace with services outside, the newest first.
SELECT json_build_object(
           'id', l.id, 'artifact_id', l.artifact_id, 'connection_id', l.connection_id,
           'service_type', l.service_type, 'operation', l.operation, 'status', l.status,
           'error_message', l.error_message, 'started_at', l.started_at, 'ended_at', l.ended_at)
  FROM sync_logs AS l
 WHERE l.tenant_id = %(tenant)s AND l.workspace_id = %(workspace_id)s
   AND (%(before_id)s::uuid IS NULL
        OR (l.started_at, l.id) < (%(before_started)s, %(before_id)s))
 ORDER BY l.started_at DESC, l.id DESC LIMIT %(limit)s

-- name: not_synced
-- What failed to synchronise or hangs, the longest first.
SELECT json_build_object(
           'artifact_id', y.artifact_id, 'artifact', a.name, 'workspace_id', a.workspace_id,
           'service_type', y.service_type, 'state', y.state, 'error_message', y.error_message,
           'since', y.updated_at)
  FROM sync_status AS y JOIN artifacts AS a ON a.tenant_id = y.tenant_id AND a.id = y.artifact_id
 WHERE y.tenant_id = %(tenant)s AND y.state = %(state)s AND y.state <> 'synced'
   AND (%(after_artifact)s::uuid IS NULL
        OR (y.updated_at, y.artifact_id, y.service_type)
           > (%(after_since)s, %(after_artifact)s, %(after_service)s))
 ORDER BY y.updated_at, y.artifact_id, y.service_type LIMIT %(limit)s
