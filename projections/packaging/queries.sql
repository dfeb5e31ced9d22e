-- name: package
-- A package with all its parts, in one answer; of what is many, the newest.
SELECT json_build_object(
    'package', (SELECT to_json(x) FROM (
        SELECT p.id, p.name, p.version, p.publisher, p.description, p.status, p.metadata, p.tags,
               p.deleted_at, p.created_at, p.updated_at) AS x),
    'installer_id', p.installer_id,
    'installers', coalesce((
        SELECT json_agg(x) FROM (
            SELECT i.id, i.filename, i.file_path, i.file_type, i.size_bytes, i.sha256,
                   i.analysis_data, i.created_at
              FROM installers AS i
             WHERE i.tenant_id = p.tenant_id AND i.package_id = p.id
             ORDER BY i.created_at DESC, i.id DESC LIMIT %(parts)s) AS x), '[]'),
    'script', (
        SELECT to_json(x) FROM (
            SELECT s.id, s.script_content, s.parameters, s.script_version, coalesce((
                       SELECT json_agg(y) FROM (
                           SELECT v.script_version, v.agent, v.reason, v.created_at
                             FROM psadt_script_versions AS v
                            WHERE v.tenant_id = s.tenant_id AND v.script_id = s.id
                            ORDER BY v.script_version DESC LIMIT %(parts)s) AS y), '[]') AS versions
              FROM psadt_scripts AS s
             WHERE s.tenant_id = p.tenant_id AND s.id = p.psadt_script_id) AS x),
    'policy', (
        SELECT to_json(x) FROM (
            SELECT w.id, w.policy_xml, w.policy_rules, w.test_results, w.test_passed
              FROM wdac_policies AS w
             WHERE w.tenant_id = p.tenant_id AND w.id = p.wdac_policy_id) AS x),
    'documentation', (
        SELECT to_json(x) FROM (
            SELECT d.id, d.content, d.sections, d.updated_at
              FROM documentation AS d
             WHERE d.tenant_id = p.tenant_id AND d.id = p.documentation_id) AS x),
    'history', coalesce((
        SELECT json_agg(x) FROM (
            SELECT h.event_id, h.package_id, h.from_status, h.to_status, h.agent, h.reason,
                   h.correlation_id, h.created_at, h.position
              FROM process_history AS h
             WHERE h.tenant_id = p.tenant_id AND h.package_id = p.id
             ORDER BY h.position DESC LIMIT %(parts)s) AS x), '[]'))
  FROM packages AS p
 WHERE p.tenant_id = %(tenant)s AND p.id = %(package_id)s

-- name: named
-- The package in use of that publisher, name and version.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.version, p.publisher, p.status, p.tags, p.created_at, p.updated_at
      FROM packages AS p
     WHERE p.tenant_id = %(tenant)s AND p.publisher = %(publisher)s AND p.name = %(name)s
       AND p.version = %(version)s AND p.deleted_at IS NULL) AS x

-- name: of_status
-- The packages in use of a status, the oldest first.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.version, p.publisher, p.status, p.tags, p.created_at, p.updated_at
      FROM packages AS p
     WHERE p.tenant_id = %(tenant)s AND p.status = %(status)s AND p.deleted_at IS NULL
       AND (%(after_id)s::uuid IS NULL
            OR (p.created_at, p.id) > (%(after_created)s, %(after_id)s))
     ORDER BY p.created_at, p.id LIMIT %(limit)s) AS x

-- name: of_publisher
-- The packages in use of a publisher, by name and version.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.version, p.publisher, p.status, p.tags, p.created_at, p.updated_at
      FROM packages AS p
     WHERE p.tenant_id = %(tenant)s AND p.publisher = %(publisher)s AND p.deleted_at IS NULL
       AND (%(after_name)s::text IS NULL
            OR (p.name, p.version) > (%(after_name)s, %(after_version)s))
     ORDER BY p.name, p.version LIMIT %(limit)s) AS x

-- name: tagged
-- The packages in use that have a tag, by id.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.version, p.publisher, p.status, p.tags, p.created_at, p.updated_at
      FROM packages AS p
     WHERE p.tenant_id = %(tenant)s AND p.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'packages', 'tag_list', %(tag)s, '{"deleted_at": null}', %(after)s, %(limit)s)))
     ORDER BY p.id) AS x

-- name: with_file
-- The packages in use that install a file of this SHA-256, by the id of the installer.
SELECT to_json(x) FROM (
    SELECT i.id AS installer_id, i.filename, p.id AS package_id, p.name, p.version, p.publisher,
           p.status
      FROM installers AS i
      JOIN packages AS p ON p.tenant_id = i.tenant_id AND p.id = i.package_id
     WHERE i.tenant_id = %(tenant)s AND i.sha256 = %(sha256)s AND p.deleted_at IS NULL
       AND (%(after)s::uuid IS NULL OR i.id > %(after)s)
     ORDER BY i.id LIMIT %(limit)s) AS x

-- name: waiting_approval
-- The packages that wait for approval, the oldest first: who sent them there, and what is known.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.version, p.publisher, p.created_at,
           h.created_at AS since, h.agent AS asked_by, h.reason,
           w.test_passed, p.documentation_id IS NOT NULL AS documented
      FROM packages AS p
      LEFT JOIN LATERAL (
           SELECT m.created_at, m.agent, m.reason FROM process_history AS m
            WHERE m.tenant_id = p.tenant_id AND m.package_id = p.id
            ORDER BY m.position DESC LIMIT 1) AS h ON true
      LEFT JOIN wdac_policies AS w ON w.tenant_id = p.tenant_id AND w.id = p.wdac_policy_id
     WHERE p.tenant_id = %(tenant)s AND p.status = 'waiting_approval' AND p.deleted_at IS NULL
       AND (%(after_id)s::uuid IS NULL
            OR (p.created_at, p.id) > (%(after_created)s, %(after_id)s))
     ORDER BY p.created_at, p.id LIMIT %(limit)s) AS x

-- name: moves
-- The moves of a package, the newest first.
SELECT to_json(x) FROM (
    SELECT h.event_id, h.package_id, h.from_status, h.to_status, h.agent, h.reason,
           h.correlation_id, h.created_at, h.position
      FROM process_history AS h
     WHERE h.tenant_id = %(tenant)s AND h.package_id = %(package_id)s
       AND (%(before)s::bigint IS NULL OR h.position < %(before)s)
     ORDER BY h.position DESC LIMIT %(limit)s) AS x

-- name: moves_in_run
-- The moves of packages in a run, in the order of the log.
SELECT to_json(x) FROM (
    SELECT h.event_id, h.package_id, h.from_status, h.to_status, h.agent, h.reason,
           h.correlation_id, h.created_at, h.position
      FROM process_history AS h
     WHERE h.tenant_id = %(tenant)s AND h.correlation_id = %(correlation_id)s
       AND (%(after)s::bigint IS NULL OR h.position > %(after)s)
     ORDER BY h.position LIMIT %(limit)s) AS x

-- name: setting
-- A setting of the system, with its newest values.
SELECT json_build_object(
           'key', c.key, 'value', c.value, 'revision', c.revision, 'updated_by', c.updated_by,
           'updated_at', c.updated_at, 'history', coalesce((
               SELECT json_agg(x) FROM (
                   SELECT h.revision, h.value, h.updated_by, h.reason, h.created_at
                     FROM system_config_history AS h
                    WHERE h.tenant_id = c.tenant_id AND h.key = c.key
                    ORDER BY h.revision DESC LIMIT %(parts)s) AS x), '[]'))
  FROM system_config AS c
 WHERE c.tenant_id = %(tenant)s AND c.key = %(key)s

-- name: settings
-- The settings of the system, by key.
SELECT to_json(x) FROM (
    SELECT c.key, c.value, c.revision, c.updated_by, c.updated_at
      FROM system_config AS c
     WHERE c.tenant_id = %(tenant)s AND (%(after)s::text IS NULL OR c.key > %(after)s)
     ORDER BY c.key LIMIT %(limit)s) AS x

-- name: agents
-- What the agents of the team are doing, by name.
SELECT to_json(x) FROM (
    SELECT s.agent_name, s.state, s.current_package_id, p.name AS package, s.last_seen_at
      FROM agent_states AS s
      LEFT JOIN packages AS p ON p.tenant_id = s.tenant_id AND p.id = s.current_package_id
     WHERE s.tenant_id = %(tenant)s AND (%(after)s::text IS NULL OR s.agent_name > %(after)s)
     ORDER BY s.agent_name LIMIT %(limit)s) AS x

-- name: learned_from
-- What was learned from a package, by id.
SELECT to_json(x) FROM (
    SELECT k.id, k.title, k.content, k.updated_at
      FROM knowledge_items AS k
     WHERE k.tenant_id = %(tenant)s AND k.source_package_id = %(package_id)s
       AND (%(after)s::uuid IS NULL OR k.id > %(after)s)
     ORDER BY k.id LIMIT %(limit)s) AS x
