-- The tables of projects, for projection_version 1 and up. Names without a schema belong to the one
-- that the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. Where an ON DELETE is not written, a parent that has children stays.

CREATE TABLE project_contexts (
    tenant_id         text COLLATE "C" NOT NULL,
    id                uuid NOT NULL,
    name              text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    type              text COLLATE "C" NOT NULL CHECK (type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    status            text COLLATE "C" NOT NULL
                      CHECK (status IN ('active', 'archived', 'deleted')),
    owner_id          text COLLATE "C" NOT NULL CHECK (char_length(owner_id) BETWEEN 1 AND 128),
    codebase          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(codebase) = 'object'),
    dependencies      text[] NOT NULL DEFAULT '{}',
    environment_vars  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(environment_vars) = 'object'),
    deployment_config jsonb NOT NULL DEFAULT '{}'
                      CHECK (jsonb_typeof(deployment_config) = 'object'),
    test_coverage     numeric NOT NULL DEFAULT 0 CHECK (test_coverage BETWEEN 0 AND 100),
    security_score    numeric NOT NULL DEFAULT 0 CHECK (security_score BETWEEN 0 AND 100),
    performance_score numeric NOT NULL DEFAULT 0 CHECK (performance_score BETWEEN 0 AND 100),
    lowest_score      double precision NOT NULL GENERATED ALWAYS AS
                      (least(test_coverage, security_score, performance_score)::float8) STORED,
    last_deployed_at  timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    position          bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE project_contexts IS
    'Code projects, each with what an agent has to know before it changes one.';
COMMENT ON COLUMN project_contexts.id IS 'project_id of the events.';
COMMENT ON COLUMN project_contexts.name IS 'What people call it.';
COMMENT ON COLUMN project_contexts.type IS 'What is built, such as api, web_app, cli.';
COMMENT ON COLUMN project_contexts.status IS
    'active; archived while it rests; deleted when it is out of use. Both may become active again, '
    'and only an active project is changed.';
COMMENT ON COLUMN project_contexts.owner_id IS 'Whose project it is: users.id (workspaces).';
COMMENT ON COLUMN project_contexts.codebase IS
    'Each file by its path, with its content or a hash of it, as of the last change that was said.';
COMMENT ON COLUMN project_contexts.dependencies IS
    'What it needs of others, such as fastapi>=0.115.';
COMMENT ON COLUMN project_contexts.environment_vars IS
    'Each environment variable by its name, with its value; a secret is sealed: an object of '
    'ciphertext (base64) and key_id.';
COMMENT ON COLUMN project_contexts.deployment_config IS 'How it is deployed.';
COMMENT ON COLUMN project_contexts.test_coverage IS
    'Per cent of the code that tests run through; 0 before it was first measured.';
COMMENT ON COLUMN project_contexts.security_score IS
    '0 to 100, the higher the safer; 0 before it was first measured.';
COMMENT ON COLUMN project_contexts.performance_score IS
    '0 to 100, the higher the quicker; 0 before it was first measured.';
COMMENT ON COLUMN project_contexts.lowest_score IS
    'The lowest of test_coverage, security_score and performance_score. A floating-point number, '
    'because numeric does not compare leakproof: its index would be of no use under row security.';
COMMENT ON COLUMN project_contexts.last_deployed_at IS
    'occurred_at of its last deployment; null before the first.';
CREATE INDEX project_contexts_owner ON project_contexts (tenant_id, owner_id, status, id);
COMMENT ON INDEX project_contexts_owner IS 'The projects of an owner, all or in one status.';
CREATE INDEX project_contexts_status ON project_contexts (tenant_id, status, updated_at);
COMMENT ON INDEX project_contexts_status IS 'Projects by status, by last change.';
CREATE INDEX project_contexts_type ON project_contexts (tenant_id, type);
COMMENT ON INDEX project_contexts_type IS 'Projects of a type.';
CREATE INDEX project_contexts_created ON project_contexts (tenant_id, created_at);
COMMENT ON INDEX project_contexts_created IS 'Projects by age.';
CREATE INDEX project_contexts_deployed ON project_contexts (tenant_id, last_deployed_at)
    WHERE last_deployed_at IS NOT NULL;
COMMENT ON INDEX project_contexts_deployed IS 'Projects that are in use, by last deployment.';
CREATE INDEX project_contexts_lowest ON project_contexts (tenant_id, status, lowest_score, id);
COMMENT ON INDEX project_contexts_lowest IS 'Projects by status, those that do worst first.';
CREATE INDEX project_contexts_dependencies ON project_contexts USING gin (dependencies);
COMMENT ON INDEX project_contexts_dependencies IS
    'Projects that depend on something (@>); for auditors through projections.ids_holding.';
CREATE INDEX project_contexts_codebase ON project_contexts USING gin (codebase);
COMMENT ON INDEX project_contexts_codebase IS
    'Projects that have a file (codebase ? ''src/main.py''), or have it with that hash (@>); '
    'for auditors through projections.ids_holding.';
CREATE INDEX project_contexts_environment ON project_contexts USING gin (environment_vars);
COMMENT ON INDEX project_contexts_environment IS
    'Projects that have a variable (environment_vars ? ''LOG_LEVEL''), or with that value (@>); '
    'for auditors through projections.ids_holding.';

CREATE TABLE modifications (
    tenant_id       text COLLATE "C" NOT NULL,
    id              uuid NOT NULL,
    project_id      uuid NOT NULL,
    request         text NOT NULL CHECK (request <> ''),
    requested_by    text COLLATE "C" NOT NULL CHECK (char_length(requested_by) BETWEEN 1 AND 128),
    requested_at    timestamptz NOT NULL,
    impact_analysis jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(impact_analysis) = 'object'),
    affected_files  text[] NOT NULL DEFAULT '{}',
    status          text COLLATE "C" NOT NULL
                    CHECK (status IN ('pending', 'approved', 'applied', 'failed', 'rejected')),
    reason          text,
    applied_at      timestamptz,
    modified_files  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(modified_files) = 'object'),
    test_results    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(test_results) = 'object'),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES project_contexts ON DELETE CASCADE,
    CONSTRAINT modifications_applied CHECK ((status = 'applied') = (applied_at IS NOT NULL))
);
COMMENT ON TABLE modifications IS 'Changes of projects: asked for, approved or rejected, applied.';
COMMENT ON COLUMN modifications.id IS 'modification_id of the events.';
COMMENT ON COLUMN modifications.project_id IS 'The project that is to be changed.';
COMMENT ON COLUMN modifications.request IS 'What is to become otherwise, in words.';
COMMENT ON COLUMN modifications.requested_by IS
    'Who asked for it: users.id (workspaces) or agents.agent_id (trust).';
COMMENT ON COLUMN modifications.requested_at IS 'occurred_at of the request.';
COMMENT ON COLUMN modifications.impact_analysis IS 'What the change would do to the project.';
COMMENT ON COLUMN modifications.affected_files IS 'Paths of the files that it would touch.';
COMMENT ON COLUMN modifications.status IS
    'pending, then approved or rejected; approved, then applied or failed.';
COMMENT ON COLUMN modifications.reason IS
    'Why it was approved, rejected or failed, in words; null when nobody said.';
COMMENT ON COLUMN modifications.applied_at IS 'occurred_at of the change; null before.';
COMMENT ON COLUMN modifications.modified_files IS
    'Each file that the change touched, with its content or a hash of it afterwards; null for '
    'one that is gone.';
COMMENT ON COLUMN modifications.test_results IS 'What tests said of the change.';
COMMENT ON CONSTRAINT modifications_applied ON modifications IS
    'A change has a moment at which it was applied exactly when it was.';
CREATE INDEX modifications_project ON modifications (tenant_id, project_id, requested_at, id);
COMMENT ON INDEX modifications_project IS 'The changes of a project, by time.';
CREATE INDEX modifications_status ON modifications (tenant_id, status, requested_at, id);
COMMENT ON INDEX modifications_status IS 'Changes by status, the longest waiting first.';
CREATE INDEX modifications_modified_files ON modifications USING gin (modified_files);
COMMENT ON INDEX modifications_modified_files IS
    'Changes that touched a file: modified_files ? ''src/main.py''; for auditors through '
    'projections.ids_holding.';
CREATE INDEX modifications_test_results ON modifications USING gin (test_results);
COMMENT ON INDEX modifications_test_results IS
    'Changes with a result of their tests: test_results @> ''{"passed": false}''.';

CREATE TABLE templates (
    tenant_id            text COLLATE "C" NOT NULL,
    id                   uuid NOT NULL,
    name                 text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    description          text NOT NULL,
    category             text COLLATE "C" NOT NULL
                         CHECK (category IN ('api', 'web', 'mobile', 'data', 'microservice')),
    files                jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(files) = 'object'),
    required_vars        text[] NOT NULL DEFAULT '{}',
    optional_vars        text[] NOT NULL DEFAULT '{}',
    tech_stack           text[] NOT NULL DEFAULT '{}',
    tags                 text[] NOT NULL DEFAULT '{}',
    estimated_setup_time integer NOT NULL CHECK (estimated_setup_time >= 0),
    complexity           text COLLATE "C" NOT NULL
                         CHECK (complexity IN ('simple', 'medium', 'complex')),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    position             bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE templates IS 'What projects can be made from.';
COMMENT ON COLUMN templates.id IS 'template_id of the events.';
COMMENT ON COLUMN templates.name IS 'What people call it.';
COMMENT ON COLUMN templates.description IS 'What it is good for.';
COMMENT ON COLUMN templates.category IS 'api, web, mobile, data or microservice.';
COMMENT ON COLUMN templates.files IS 'Each file by its path, with its content or a hash of it.';
COMMENT ON COLUMN templates.required_vars IS 'Variables that a project made from it must fill in.';
COMMENT ON COLUMN templates.optional_vars IS 'Variables that a project made from it may fill in.';
COMMENT ON COLUMN templates.tech_stack IS 'What it is built with, such as python, postgresql.';
COMMENT ON COLUMN templates.tags IS 'Words to find it by.';
COMMENT ON COLUMN templates.estimated_setup_time IS
    'Minutes until a project made from it runs.';
COMMENT ON COLUMN templates.complexity IS 'simple, medium or complex.';
CREATE INDEX templates_category ON templates (tenant_id, category, complexity, id);
COMMENT ON INDEX templates_category IS 'Templates of a category, by complexity.';
CREATE INDEX templates_files ON templates USING gin (files);
COMMENT ON INDEX templates_files IS 'Templates that have a file: files ? ''Dockerfile''.';
CREATE INDEX templates_tech_stack ON templates USING gin (tech_stack);
COMMENT ON INDEX templates_tech_stack IS
    'Templates built with something: tech_stack @> ARRAY[''python'']; for auditors through '
    'projections.ids_holding.';
CREATE INDEX templates_tags ON templates USING gin (tags);
COMMENT ON INDEX templates_tags IS
    'Templates with a tag: tags @> ARRAY[''rest'']; for auditors through projections.ids_holding.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['project_contexts', 'modifications', 'templates'] LOOP
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
