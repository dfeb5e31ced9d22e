-- name: project
-- A project with its newest modifications, in one answer.
SELECT json_build_object(
    'project', (SELECT to_json(x) FROM (
        SELECT p.id, p.name, p.type, p.status, p.owner_id, p.codebase, p.dependencies,
               p.environment_vars, p.deployment_config, p.test_coverage, p.security_score,
               p.performance_score, p.last_deployed_at, p.updated_at) AS x),
    'modifications', coalesce((
        SELECT json_agg(x) FROM (
            SELECT m.id, m.project_id, m.request, m.requested_by, m.requested_at, m.status,
                   m.reason, m.applied_at, m.affected_files
              FROM modifications AS m
             WHERE m.tenant_id = p.tenant_id AND m.project_id = p.id
             ORDER BY m.requested_at DESC, m.id DESC LIMIT %(parts)s) AS x), '[]'))
  FROM project_contexts AS p
 WHERE p.tenant_id = %(tenant)s AND p.id = %(project_id)s

-- name: of_owner
-- The projects of an owner in a status, by id.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.type, p.status, p.owner_id, p.lowest_score, p.last_deployed_at,
           p.updated_at
      FROM project_contexts AS p
     WHERE p.tenant_id = %(tenant)s AND p.owner_id = %(owner_id)s AND p.status = %(status)s
       AND (%(after)s::uuid IS NULL OR p.id > %(after)s)
     ORDER BY p.id LIMIT %(limit)s) AS x

-- name: low_scores
-- The active projects of which a score is at most so high, the lowest first.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.type, p.status, p.owner_id, p.lowest_score, p.last_deployed_at,
           p.updated_at
      FROM project_contexts AS p
     WHERE p.tenant_id = %(tenant)s AND p.status = 'active' AND p.lowest_score <= %(highest)s
       AND (%(after_id)s::uuid IS NULL
            OR (p.lowest_score, p.id) > (%(after_score)s, %(after_id)s))
     ORDER BY p.lowest_score, p.id LIMIT %(limit)s) AS x

-- name: depending_on
-- The active projects that depend on a package, by id.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.type, p.status, p.owner_id, p.lowest_score, p.last_deployed_at,
           p.updated_at
      FROM project_contexts AS p
     WHERE p.tenant_id = %(tenant)s AND p.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'project_contexts', 'dependencies', %(dependency)s, '{"status": "active"}',
               %(after)s, %(limit)s)))
     ORDER BY p.id) AS x

-- name: having_file
-- The active projects that have a file of this path, by id.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.type, p.status, p.owner_id, p.lowest_score, p.last_deployed_at,
           p.updated_at
      FROM project_contexts AS p
     WHERE p.tenant_id = %(tenant)s AND p.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'project_contexts', 'codebase', %(path)s, '{"status": "active"}',
               %(after)s, %(limit)s)))
     ORDER BY p.id) AS x

-- name: having_variable
-- The active projects that have an environment variable of this name, by id.
SELECT to_json(x) FROM (
    SELECT p.id, p.name, p.type, p.status, p.owner_id, p.lowest_score, p.last_deployed_at,
           p.updated_at
      FROM project_contexts AS p
     WHERE p.tenant_id = %(tenant)s AND p.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'project_contexts', 'environment_vars', %(variable)s, '{"status": "active"}',
               %(after)s, %(limit)s)))
     ORDER BY p.id) AS x

-- name: modification
-- A modification, from its request to what became of it.
SELECT to_json(x) FROM (
    SELECT m.id, m.project_id, m.request, m.requested_by, m.requested_at, m.status, m.reason,
           m.applied_at, m.affected_files, m.impact_analysis, m.modified_files, m.test_results
      FROM modifications AS m
     WHERE m.tenant_id = %(tenant)s AND m.id = %(modification_id)s) AS x

-- name: modifications_of
-- The modifications of a project, the newest first.
SELECT to_json(x) FROM (
    SELECT m.id, m.project_id, m.request, m.requested_by, m.requested_at, m.status, m.reason,
           m.applied_at, m.affected_files
      FROM modifications AS m
     WHERE m.tenant_id = %(tenant)s AND m.project_id = %(project_id)s
       AND (%(before_id)s::uuid IS NULL
            OR (m.requested_at, m.id) < (%(before_requested)s, %(before_id)s))
     ORDER BY m.requested_at DESC, m.id DESC LIMIT %(limit)s) AS x

-- name: modifications
-- The modifications in a status, of all projects, the oldest first.
SELECT to_json(x) FROM (
    SELECT m.id, m.project_id, m.request, m.requested_by, m.requested_at, m.status, m.reason,
           m.applied_at, m.affected_files
      FROM modifications AS m
     WHERE m.tenant_id = %(tenant)s AND m.status = %(status)s
       AND (%(after_id)s::uuid IS NULL
            OR (m.requested_at, m.id) > (%(after_requested)s, %(after_id)s))
     ORDER BY m.requested_at, m.id LIMIT %(limit)s) AS x

-- name: modifying
-- The modifications that changed a file of this path, in any project, by id.
SELECT to_json(x) FROM (
    SELECT m.id, m.project_id, m.request, m.requested_by, m.requested_at, m.status, m.reason,
           m.applied_at, m.affected_files
      FROM modifications AS m
     WHERE m.tenant_id = %(tenant)s AND m.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'modifications', 'modified_files', %(path)s, '{}', %(after)s, %(limit)s)))
     ORDER BY m.id) AS x

-- name: template
-- A template with its files.
SELECT to_json(x) FROM (
    SELECT t.id, t.name, t.description, t.category, t.files, t.required_vars, t.optional_vars,
           t.tech_stack, t.tags, t.estimated_setup_time, t.complexity
      FROM templates AS t
     WHERE t.tenant_id = %(tenant)s AND t.id = %(template_id)s) AS x

-- name: templates_of_category
-- The templates of a category and complexity, by id.
SELECT to_json(x) FROM (
    SELECT t.id, t.name, t.description, t.category, t.tech_stack, t.tags, t.estimated_setup_time,
           t.complexity
      FROM templates AS t
     WHERE t.tenant_id = %(tenant)s AND t.category = %(category)s AND t.complexity = %(complexity)s
       AND (%(after)s::uuid IS NULL OR t.id > %(after)s)
     ORDER BY t.id LIMIT %(limit)s) AS x

-- name: templates_with_tech
-- The templates that are made with a technology, by id.
SELECT to_json(x) FROM (
    SELECT t.id, t.name, t.description, t.category, t.tech_stack, t.tags, t.estimated_setup_time,
           t.complexity
      FROM templates AS t
     WHERE t.tenant_id = %(tenant)s AND t.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'templates', 'tech_stack', %(tech)s, '{}', %(after)s, %(limit)s)))
     ORDER BY t.id) AS x

-- name: templates_tagged
-- The templates that have a tag, by id.
SELECT to_json(x) FROM (
    SELECT t.id, t.name, t.description, t.category, t.tech_stack, t.tags, t.estimated_setup_time,
           t.complexity
      FROM templates AS t
     WHERE t.tenant_id = %(tenant)s AND t.id = ANY (ARRAY(
           SELECT projections.ids_holding(
               'templates', 'tags', %(tag)s, '{}', %(after)s, %(limit)s)))
     ORDER BY t.id) AS x
