-- The tables of workspaces, for projection_version 1 and up. Names without a schema belong to the
-- one that the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. Where an ON DELETE is not written, a parent that has children stays.

-- People ------------------------------------------------------------------------------------------

-- The collation of e-mail addresses is PostgreSQL's own: lower() is the same on every machine.
CREATE TABLE users (
    tenant_id    text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL CHECK (char_length(id) BETWEEN 1 AND 128),
    azure_id     text COLLATE "C" NOT NULL CHECK (char_length(azure_id) BETWEEN 1 AND 128),
    email        text COLLATE "pg_c_utf8" NOT NULL
                 CHECK (email LIKE '_%@_%' AND char_length(email) <= 320),
    email_key    text COLLATE "pg_c_utf8" NOT NULL GENERATED ALWAYS AS (lower(email)) STORED,
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 255),
    role         text COLLATE "C" NOT NULL
                 CHECK (role IN ('viewer', 'packager', 'approver', 'admin')),
    last_login   timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_azure_id UNIQUE (tenant_id, azure_id)
);
COMMENT ON TABLE users IS 'The people of every context.';
COMMENT ON COLUMN users.id IS 'user_id of the events; every context refers to it.';
COMMENT ON COLUMN users.azure_id IS 'Object id in the directory that signs people in.';
COMMENT ON COLUMN users.email IS
    'E-mail address as its owner writes it.';
COMMENT ON COLUMN users.email_key IS
    'E-mail address in lower case; find one by email_key = lower(…). A column, because lower() is '
    'not leakproof: an index on it would be of no use under row security.';
COMMENT ON COLUMN users.display_name IS 'What the person is called.';
COMMENT ON COLUMN users.role IS
    'What the person may do: viewer, packager, approver or admin; a workspace may say otherwise.';
COMMENT ON COLUMN users.last_login IS
    'occurred_at of the last sign-in; null before the first.';
COMMENT ON CONSTRAINT users_azure_id ON users IS
    'One person an account of the directory, and the way to it at sign-in.';
CREATE UNIQUE INDEX users_email ON users (tenant_id, email_key);
COMMENT ON INDEX users_email IS
    'One person an e-mail address, whatever its case, and the way to it.';

CREATE TABLE user_profiles (
    tenant_id   text COLLATE "C" NOT NULL,
    user_id     text COLLATE "C" NOT NULL,
    preferences jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(preferences) = 'object'),
    avatar      text CHECK (char_length(avatar) BETWEEN 1 AND 2048),
    timezone    text COLLATE "C" NOT NULL DEFAULT 'UTC'
                CHECK (timezone ~ '^[A-Za-z0-9_+/-]{1,64}$'),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
COMMENT ON TABLE user_profiles IS 'How each person likes it; one row a user.';
COMMENT ON COLUMN user_profiles.user_id IS 'The person.';
COMMENT ON COLUMN user_profiles.preferences IS 'What the person has chosen.';
COMMENT ON COLUMN user_profiles.avatar IS 'Where the person''s picture is; null without one.';
COMMENT ON COLUMN user_profiles.timezone IS
    'Time zone that times are shown in, by its name in the tz database; UTC until the person says.';

CREATE TABLE auth_tokens (
    tenant_id  text COLLATE "C" NOT NULL,
    id         uuid NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    token_hash text COLLATE "C" NOT NULL CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT auth_tokens_hash UNIQUE (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE,
    CONSTRAINT auth_tokens_lasts CHECK (expires_at > issued_at)
);
COMMENT ON TABLE auth_tokens IS 'Tokens that people sign in with; never a token, only its hash.';
COMMENT ON COLUMN auth_tokens.id IS 'token_id of the events.';
COMMENT ON COLUMN auth_tokens.user_id IS 'Whose token it is.';
COMMENT ON COLUMN auth_tokens.token_hash IS 'SHA-256 of the token, in hexadecimal.';
COMMENT ON COLUMN auth_tokens.issued_at IS 'Since when it is valid.';
COMMENT ON COLUMN auth_tokens.expires_at IS 'Until when it is valid, unless it is revoked before.';
COMMENT ON COLUMN auth_tokens.revoked_at IS
    'occurred_at of its revocation; null while it was not revoked.';
COMMENT ON CONSTRAINT auth_tokens_hash ON auth_tokens IS
    'A token is known by its hash: one row each, and the way to it at sign-in.';
COMMENT ON CONSTRAINT auth_tokens_lasts ON auth_tokens IS 'A token is valid for some time.';
CREATE INDEX auth_tokens_user ON auth_tokens (tenant_id, user_id, expires_at);
COMMENT ON INDEX auth_tokens_user IS 'The tokens of a person, by the end of their time.';

-- Workspaces --------------------------------------------------------------------------------------

CREATE TABLE workspaces (
    tenant_id         text COLLATE "C" NOT NULL,
    id                uuid NOT NULL,
    name              text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    description       text,
    owner_id          text COLLATE "C" NOT NULL,
    github_repo_url   text CHECK (char_length(github_repo_url) BETWEEN 1 AND 2048),
    sharepoint_config jsonb NOT NULL DEFAULT '{}'
                      CHECK (jsonb_typeof(sharepoint_config) = 'object'),
    ignis_config      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(ignis_config) = 'object'),
    config_version    integer NOT NULL DEFAULT 0 CHECK (config_version >= 0),
    deleted_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    position          bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users ON DELETE RESTRICT
);
COMMENT ON TABLE workspaces IS 'Where people and agents work together at artifacts.';
COMMENT ON COLUMN workspaces.id IS 'workspace_id of the events.';
COMMENT ON COLUMN workspaces.name IS 'What people call it.';
COMMENT ON COLUMN workspaces.description IS 'What it is for; null when nobody said.';
COMMENT ON COLUMN workspaces.owner_id IS 'Whose workspace it is; always a member, too.';
COMMENT ON COLUMN workspaces.github_repo_url IS
    'Repository of its artifacts; null without one.';
COMMENT ON COLUMN workspaces.sharepoint_config IS
    'Where in SharePoint its artifacts are published.';
COMMENT ON COLUMN workspaces.ignis_config IS 'How it is set up on the Ignis platform.';
COMMENT ON COLUMN workspaces.config_version IS
    'The version in workspace_configs that counts; 0 before the first.';
COMMENT ON COLUMN workspaces.deleted_at IS
    'Since when it is out of use; null while it is in use.';
CREATE INDEX workspaces_owner ON workspaces (tenant_id, owner_id);
COMMENT ON INDEX workspaces_owner IS 'The workspaces of an owner.';

CREATE TABLE user_sessions (
    tenant_id    text COLLATE "C" NOT NULL,
    session_id   uuid NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    workspace_id uuid,
    started_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    ended_at     timestamptz,
    end_reason   text COLLATE "C" CHECK (end_reason IN ('signed_out', 'expired', 'revoked')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE SET NULL (workspace_id),
    CONSTRAINT user_sessions_lasts CHECK (expires_at > started_at),
    CONSTRAINT user_sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
COMMENT ON TABLE user_sessions IS
    'When people are at work. A session is open until it is ended or its time is over.';
COMMENT ON COLUMN user_sessions.session_id IS 'session_id of the events.';
COMMENT ON COLUMN user_sessions.user_id IS 'Whose session it is.';
COMMENT ON COLUMN user_sessions.workspace_id IS
    'The workspace that the person is in; null when in none.';
COMMENT ON COLUMN user_sessions.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN user_sessions.expires_at IS 'When its time is over, unless it is extended.';
COMMENT ON COLUMN user_sessions.last_seen_at IS
    'occurred_at of the last event that the person was there for.';
COMMENT ON COLUMN user_sessions.ended_at IS 'occurred_at of its end; null before.';
COMMENT ON COLUMN user_sessions.end_reason IS
    'signed_out, expired or revoked; null before its end.';
COMMENT ON CONSTRAINT user_sessions_lasts ON user_sessions IS 'A session lasts some time.';
COMMENT ON CONSTRAINT user_sessions_ended ON user_sessions IS
    'A session has a reason for its end exactly when it has ended.';
CREATE INDEX user_sessions_user ON user_sessions (tenant_id, user_id, started_at);
COMMENT ON INDEX user_sessions_user IS 'The sessions of a person, by time.';
CREATE INDEX user_sessions_workspace ON user_sessions (tenant_id, workspace_id, last_seen_at)
    WHERE workspace_id IS NOT NULL;
COMMENT ON INDEX user_sessions_workspace IS 'Who was last seen in a workspace.';
CREATE INDEX user_sessions_open ON user_sessions (tenant_id, expires_at) WHERE ended_at IS NULL;
COMMENT ON INDEX user_sessions_open IS 'The open sessions, few among many, and when they expire.';

CREATE TABLE workspace_members (
    tenant_id    text COLLATE "C" NOT NULL,
    workspace_id uuid NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL
                 CHECK (role IN ('viewer', 'packager', 'approver', 'admin')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, user_id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
COMMENT ON TABLE workspace_members IS 'Who belongs to which workspace, and what they may do there.';
COMMENT ON COLUMN workspace_members.workspace_id IS 'The workspace.';
COMMENT ON COLUMN workspace_members.user_id IS 'The person.';
COMMENT ON COLUMN workspace_members.role IS
    'viewer, packager, approver or admin, in this workspace.';
CREATE INDEX workspace_members_user ON workspace_members (tenant_id, user_id, workspace_id);
COMMENT ON INDEX workspace_members_user IS 'The workspaces that a person belongs to.';

CREATE TABLE workspace_configs (
    tenant_id      text COLLATE "C" NOT NULL,
    workspace_id   uuid NOT NULL,
    config_version integer NOT NULL CHECK (config_version > 0),
    config         jsonb NOT NULL CHECK (jsonb_typeof(config) = 'object'),
    changed_by     text COLLATE "C",
    reason         text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, config_version),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE
);
COMMENT ON TABLE workspace_configs IS
    'How each workspace is configured, and was before: one row a version, none is ever changed.';
COMMENT ON COLUMN workspace_configs.workspace_id IS 'The workspace.';
COMMENT ON COLUMN workspace_configs.config_version IS
    'Number of the version: from 1, without gaps; workspaces.config_version says which counts.';
COMMENT ON COLUMN workspace_configs.config IS 'The whole configuration.';
COMMENT ON COLUMN workspace_configs.changed_by IS
    'Who made this version: the agent of the event; null when it names none.';
COMMENT ON COLUMN workspace_configs.reason IS 'Why, in words; null when nobody said.';

CREATE TABLE workspace_settings (
    tenant_id         text COLLATE "C" NOT NULL,
    workspace_id      uuid NOT NULL,
    chat_history_days integer NOT NULL DEFAULT 90 CHECK (chat_history_days BETWEEN 1 AND 36500),
    settings          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    position          bigint NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE
);
COMMENT ON TABLE workspace_settings IS 'What each workspace has chosen; one row a workspace.';
COMMENT ON COLUMN workspace_settings.workspace_id IS 'The workspace.';
COMMENT ON COLUMN workspace_settings.chat_history_days IS
    'Retention of its chat history: days for which messages are kept live.';
COMMENT ON COLUMN workspace_settings.settings IS 'What else it has chosen.';

-- Workflows ---------------------------------------------------------------------------------------

CREATE TABLE workflows (
    tenant_id    text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    status       text COLLATE "C" NOT NULL
                 CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE
);
COMMENT ON TABLE workflows IS 'What is gone through in workspaces, phase by phase.';
COMMENT ON COLUMN workflows.id IS 'workflow_id of the events.';
COMMENT ON COLUMN workflows.workspace_id IS 'The workspace that it belongs to.';
COMMENT ON COLUMN workflows.name IS 'What people call it.';
COMMENT ON COLUMN workflows.status IS
    'pending, in_progress, then completed, failed or cancelled; a failed one may go on.';
CREATE INDEX workflows_workspace ON workflows (tenant_id, workspace_id, status);
COMMENT ON INDEX workflows_workspace IS 'The workflows of a workspace, all or in one status.';

CREATE TABLE phases (
    tenant_id   text COLLATE "C" NOT NULL,
    id          uuid NOT NULL,
    workflow_id uuid NOT NULL,
    ordinal     smallint NOT NULL CHECK (ordinal > 0),
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    status      text COLLATE "C" NOT NULL
                CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'skipped')),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT phases_ordered UNIQUE (tenant_id, workflow_id, ordinal),
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows ON DELETE CASCADE
);
COMMENT ON TABLE phases IS 'The phases of workflows.';
COMMENT ON COLUMN phases.id IS 'phase_id of the events.';
COMMENT ON COLUMN phases.workflow_id IS 'The workflow that it is a part of.';
COMMENT ON COLUMN phases.ordinal IS 'Its place in the workflow; there may be gaps.';
COMMENT ON COLUMN phases.name IS 'What people call it.';
COMMENT ON COLUMN phases.status IS
    'pending, in_progress, then completed or failed; or skipped. Any may be gone through again.';
COMMENT ON CONSTRAINT phases_ordered ON phases IS
    'One phase a place, and the way to the phases of a workflow in their order.';

-- Artifacts ---------------------------------------------------------------------------------------

CREATE TABLE artifacts (
    tenant_id              text COLLATE "C" NOT NULL,
    id                     uuid NOT NULL,
    workspace_id           uuid NOT NULL,
    name                   text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    artifact_type          text COLLATE "C" NOT NULL
                           CHECK (artifact_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    file_path              text CHECK (char_length(file_path) BETWEEN 1 AND 1024),
    status                 text COLLATE "C" NOT NULL CHECK (status IN (
                               'draft', 'in_review', 'approved', 'published', 'archived')),
    github_sync_status     text COLLATE "C" NOT NULL CHECK (github_sync_status IN (
                               'not_synced', 'pending', 'synced', 'outdated', 'failed')),
    sharepoint_sync_status text COLLATE "C" NOT NULL CHECK (sharepoint_sync_status IN (
                               'not_synced', 'pending', 'synced', 'outdated', 'failed')),
    latest_version         integer NOT NULL DEFAULT 0 CHECK (latest_version >= 0),
    deleted_at             timestamptz,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    position               bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE
);
COMMENT ON TABLE artifacts IS 'What is worked at in workspaces: documents and code.';
COMMENT ON COLUMN artifacts.id IS 'artifact_id of the events.';
COMMENT ON COLUMN artifacts.workspace_id IS 'The workspace that it belongs to.';
COMMENT ON COLUMN artifacts.name IS 'What people call it.';
COMMENT ON COLUMN artifacts.artifact_type IS 'Such as prd, architecture, user_story.';
COMMENT ON COLUMN artifacts.file_path IS
    'Path of its file in the workspace''s repository; null without one.';
COMMENT ON COLUMN artifacts.status IS
    'draft, in_review, approved, published; or archived. What is to be changed becomes a draft.';
COMMENT ON COLUMN artifacts.github_sync_status IS
    'not_synced before the first time; pending while it is under way; synced, or failed, after; '
    'outdated when there is a newer version than the one that GitHub has.';
COMMENT ON COLUMN artifacts.sharepoint_sync_status IS 'As github_sync_status, for SharePoint.';
COMMENT ON COLUMN artifacts.latest_version IS
    'version_no of its newest version, that is how many it ever had; 0 before the first.';
COMMENT ON COLUMN artifacts.deleted_at IS
    'Since when it is out of use; null while it is in use.';
CREATE INDEX artifacts_workspace ON artifacts (tenant_id, workspace_id, artifact_type, status, id);
COMMENT ON INDEX artifacts_workspace IS 'The artifacts of a workspace, by type, then status.';

CREATE TABLE artifact_versions (
    tenant_id    text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    artifact_id  uuid NOT NULL,
    version_no   integer NOT NULL CHECK (version_no > 0),
    content_hash text COLLATE "C" NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    author       text COLLATE "C" NOT NULL CHECK (char_length(author) BETWEEN 1 AND 128),
    added_at     timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT artifact_versions_numbered UNIQUE (tenant_id, artifact_id, version_no),
    FOREIGN KEY (tenant_id, artifact_id) REFERENCES artifacts ON DELETE CASCADE
);
COMMENT ON TABLE artifact_versions IS
    'The versions of artifacts that were not cleaned up; the content is kept elsewhere.';
COMMENT ON COLUMN artifact_versions.id IS 'version_id of the event.';
COMMENT ON COLUMN artifact_versions.artifact_id IS 'The artifact.';
COMMENT ON COLUMN artifact_versions.version_no IS
    'Number of the version of its artifact: from 1, without gaps, in log order; those that were '
    'cleaned up are missing.';
COMMENT ON COLUMN artifact_versions.content_hash IS
    'SHA-256 of the content, in hexadecimal, under which it is kept.';
COMMENT ON COLUMN artifact_versions.author IS
    'Who made it: users.id, or agents.agent_id (trust).';
COMMENT ON COLUMN artifact_versions.added_at IS
    'When it was made, as its author says: by this it is old enough to be cleaned up.';
COMMENT ON CONSTRAINT artifact_versions_numbered ON artifact_versions IS
    'One version a number, and the way to the versions of an artifact.';

-- Services outside --------------------------------------------------------------------------------

CREATE TABLE integration_configs (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    service_type   text COLLATE "C" NOT NULL CHECK (service_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    service_config jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(service_config) = 'object'),
    credentials    jsonb,
    status         text COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive', 'error')),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT integration_configs_sealed CHECK (
        jsonb_typeof(credentials) = 'object'
        AND credentials ?& ARRAY['ciphertext', 'key_id']
        AND credentials - ARRAY['ciphertext', 'key_id'] = '{}')
);
COMMENT ON TABLE integration_configs IS
    'Services outside that can be connected to, and how this deployment is known there.';
COMMENT ON COLUMN integration_configs.id IS 'integration_id of the events.';
COMMENT ON COLUMN integration_configs.service_type IS
    'github, sharepoint, ignis_platform, or a further one: only the form is checked here.';
COMMENT ON COLUMN integration_configs.name IS 'What people call it.';
COMMENT ON COLUMN integration_configs.service_config IS 'How it is reached and used; no secret.';
COMMENT ON COLUMN integration_configs.credentials IS
    'Encrypted by whoever stated them: ciphertext (base64) and key_id, nothing else; null when it '
    'needs none.';
COMMENT ON COLUMN integration_configs.status IS
    'active; inactive when it is not to be used; error when it does not answer.';
COMMENT ON CONSTRAINT integration_configs_sealed ON integration_configs IS
    'Credentials are an envelope, so that none gets here in plain text.';
CREATE INDEX integration_configs_type ON integration_configs (tenant_id, service_type, status);
COMMENT ON INDEX integration_configs_type IS 'The services of a type.';

CREATE TABLE external_connections (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    integration_id uuid NOT NULL,
    user_id        text COLLATE "C",
    service_type   text COLLATE "C" NOT NULL CHECK (service_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    service_config jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(service_config) = 'object'),
    credentials    jsonb,
    status         text COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive', 'error')),
    closed_at      timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, integration_id) REFERENCES integration_configs ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE,
    CONSTRAINT external_connections_sealed CHECK (
        jsonb_typeof(credentials) = 'object'
        AND credentials ?& ARRAY['ciphertext', 'key_id']
        AND credentials - ARRAY['ciphertext', 'key_id'] = '{}'),
    CONSTRAINT external_connections_closed
        CHECK (closed_at IS NULL OR (status = 'inactive' AND credentials IS NULL))
);
COMMENT ON TABLE external_connections IS
    'Accounts at services outside, a person''s or everybody''s.';
COMMENT ON COLUMN external_connections.id IS 'connection_id of the events.';
COMMENT ON COLUMN external_connections.integration_id IS 'The service.';
COMMENT ON COLUMN external_connections.user_id IS 'Whose account it is; null: everybody''s.';
COMMENT ON COLUMN external_connections.service_type IS 'That of the service.';
COMMENT ON COLUMN external_connections.service_config IS 'How the account is used; no secret.';
COMMENT ON COLUMN external_connections.credentials IS
    'Encrypted by whoever stated them: ciphertext (base64) and key_id, nothing else; null when it '
    'needs none, or none any more.';
COMMENT ON COLUMN external_connections.status IS
    'active; inactive when it is not to be used; error when the service refuses it.';
COMMENT ON COLUMN external_connections.closed_at IS
    'Since when it is not used any more; null while it is.';
COMMENT ON CONSTRAINT external_connections_sealed ON external_connections IS
    'Credentials are an envelope, so that none gets here in plain text.';
COMMENT ON CONSTRAINT external_connections_closed ON external_connections IS
    'What is closed has no credentials left.';
CREATE INDEX external_connections_integration ON external_connections (tenant_id, integration_id);
COMMENT ON INDEX external_connections_integration IS 'The accounts at a service.';
CREATE INDEX external_connections_user ON external_connections (tenant_id, user_id)
    WHERE user_id IS NOT NULL;
COMMENT ON INDEX external_connections_user IS 'The accounts of a person.';

CREATE TABLE workspace_integrations (
    tenant_id          text COLLATE "C" NOT NULL,
    workspace_id       uuid NOT NULL,
    connection_id      uuid NOT NULL,
    integration_status text COLLATE "C" NOT NULL
                       CHECK (integration_status IN ('active', 'inactive', 'error')),
    last_sync_at       timestamptz,
    sync_metadata      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(sync_metadata) = 'object'),
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    position           bigint NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, connection_id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, connection_id) REFERENCES external_connections ON DELETE CASCADE
);
COMMENT ON TABLE workspace_integrations IS 'Which accounts at services each workspace uses.';
COMMENT ON COLUMN workspace_integrations.workspace_id IS 'The workspace.';
COMMENT ON COLUMN workspace_integrations.connection_id IS 'The account.';
COMMENT ON COLUMN workspace_integrations.integration_status IS
    'active; inactive when it is not to be used; error when the last synchronisation failed.';
COMMENT ON COLUMN workspace_integrations.last_sync_at IS
    'occurred_at of the last synchronisation that succeeded; null before the first.';
COMMENT ON COLUMN workspace_integrations.sync_metadata IS
    'What the next synchronisation goes on from, such as a commit.';
CREATE INDEX workspace_integrations_connection
    ON workspace_integrations (tenant_id, connection_id);
COMMENT ON INDEX workspace_integrations_connection IS 'The workspaces that use an account.';

CREATE TABLE sync_status (
    tenant_id      text COLLATE "C" NOT NULL,
    artifact_id    uuid NOT NULL,
    service_type   text COLLATE "C" NOT NULL CHECK (service_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    state          text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'synced', 'failed')),
    synced_version integer CHECK (synced_version > 0),
    last_sync_at   timestamptz,
    error_message  text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, artifact_id, service_type),
    FOREIGN KEY (tenant_id, artifact_id) REFERENCES artifacts ON DELETE CASCADE,
    CONSTRAINT sync_status_failed CHECK ((state = 'failed') = (error_message IS NOT NULL))
);
COMMENT ON TABLE sync_status IS
    'How far each artifact is synchronised with each service that it was ever synchronised with.';
COMMENT ON COLUMN sync_status.artifact_id IS 'The artifact.';
COMMENT ON COLUMN sync_status.service_type IS 'The service, such as github.';
COMMENT ON COLUMN sync_status.state IS
    'What became of the last operation: pending while it is under way, then synced or failed.';
COMMENT ON COLUMN sync_status.synced_version IS
    'version_no that the service has; behind artifacts.latest_version, it is outdated. Null before '
    'the first success, or for an artifact without versions.';
COMMENT ON COLUMN sync_status.last_sync_at IS
    'occurred_at of the last operation that succeeded; null before the first.';
COMMENT ON COLUMN sync_status.error_message IS 'Why the last operation failed; null if it did not.';
COMMENT ON CONSTRAINT sync_status_failed ON sync_status IS
    'There is an error message exactly when the last operation failed.';
CREATE INDEX sync_status_unsynced ON sync_status (tenant_id, state, updated_at, artifact_id, service_type)
    WHERE state <> 'synced';
COMMENT ON INDEX sync_status_unsynced IS 'What failed or hangs, the longest first.';

CREATE TABLE sync_logs (
    tenant_id         text COLLATE "C" NOT NULL,
    id                uuid NOT NULL,
    workspace_id      uuid NOT NULL,
    artifact_id       uuid,
    connection_id     uuid,
    service_type      text COLLATE "C" NOT NULL CHECK (service_type ~ '^[a-z][a-z0-9_-]{0,63}$'),
    operation         text COLLATE "C" NOT NULL
                      CHECK (operation IN ('save', 'publish', 'sync_from_git')),
    status            text COLLATE "C" NOT NULL CHECK (status IN ('pending', 'success', 'failed')),
    operation_details jsonb NOT NULL DEFAULT '{}'
                      CHECK (jsonb_typeof(operation_details) = 'object'),
    error_message     text,
    started_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    position          bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, artifact_id) REFERENCES artifacts ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, connection_id) REFERENCES external_connections
        ON DELETE SET NULL (connection_id),
    CONSTRAINT sync_logs_ended CHECK ((status = 'pending') = (ended_at IS NULL)),
    CONSTRAINT sync_logs_failed CHECK ((status = 'failed') = (error_message IS NOT NULL))
);
COMMENT ON TABLE sync_logs IS 'Operations between workspaces and services outside, one row each.';
COMMENT ON COLUMN sync_logs.id IS 'sync_id of the events.';
COMMENT ON COLUMN sync_logs.workspace_id IS 'The workspace.';
COMMENT ON COLUMN sync_logs.artifact_id IS 'The artifact; null when it was about the workspace.';
COMMENT ON COLUMN sync_logs.connection_id IS
    'The account that was used; null when none was.';
COMMENT ON COLUMN sync_logs.service_type IS 'The service, such as github.';
COMMENT ON COLUMN sync_logs.operation IS
    'save (to the service), publish (for others to see), or sync_from_git (from it).';
COMMENT ON COLUMN sync_logs.status IS 'pending while it is under way, then success or failed.';
COMMENT ON COLUMN sync_logs.operation_details IS
    'What was said of it at its start and, added to that, at its end.';
COMMENT ON COLUMN sync_logs.error_message IS 'Why it failed; null if it did not.';
COMMENT ON COLUMN sync_logs.started_at IS 'occurred_at of its start.';
COMMENT ON COLUMN sync_logs.ended_at IS 'occurred_at of its end; null before.';
COMMENT ON CONSTRAINT sync_logs_ended ON sync_logs IS
    'An operation has an end exactly when it is not under way.';
COMMENT ON CONSTRAINT sync_logs_failed ON sync_logs IS
    'There is an error message exactly when it failed.';
CREATE INDEX sync_logs_workspace ON sync_logs (tenant_id, workspace_id, started_at, id);
COMMENT ON INDEX sync_logs_workspace IS 'The operations of a workspace, by time.';
CREATE INDEX sync_logs_artifact ON sync_logs (tenant_id, artifact_id, started_at)
    WHERE artifact_id IS NOT NULL;
COMMENT ON INDEX sync_logs_artifact IS 'The operations with an artifact, by time.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'users', 'user_profiles', 'auth_tokens', 'workspaces', 'user_sessions',
        'workspace_members', 'workspace_configs', 'workspace_settings', 'workflows', 'phases',
        'artifacts', 'artifact_versions', 'integration_configs', 'external_connections',
        'workspace_integrations', 'sync_status', 'sync_logs'
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
