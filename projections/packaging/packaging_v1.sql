-- The tables of packaging, for projection_version 1 and up. Names without a schema belong to the one that
-- the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. Where an ON DELETE is not written, a parent that has children stays.

CREATE TABLE packages (
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
COMMENT ON TABLE packages IS
    'Software packages on their way from draft to approval, one row each.';
COMMENT ON COLUMN packages.id IS 'package_id of the events.';
COMMENT ON COLUMN packages.name IS 'Name of the software.';
COMMENT ON COLUMN packages.version IS 'Version of the software, as its publisher writes it.';
COMMENT ON COLUMN packages.publisher IS 'Who makes the software.';
COMMENT ON COLUMN packages.description IS 'What the software is, for people.';
COMMENT ON COLUMN packages.status IS
    'draft, analyzing, generating_script, creating_policy, testing, waiting_approval, completed, in '
    'this order; any but completed may become failed, and failed may become draft.';
COMMENT ON COLUMN packages.installer_id IS 'The current installer, the one added last.';
COMMENT ON COLUMN packages.psadt_script_id IS
    'The current install script: script_id of the event that states its content.';
COMMENT ON COLUMN packages.wdac_policy_id IS
    'The current application-control policy: policy_id of the event that states it.';
COMMENT ON COLUMN packages.documentation_id IS
    'The current documentation: documentation_id of the event that states its content.';
COMMENT ON COLUMN packages.metadata IS 'What else is known of the package.';
COMMENT ON COLUMN packages.tags IS 'Words to find it by, an array of strings.';
COMMENT ON COLUMN packages.deleted_at IS
    'Since when the package is out of use; null while it is in use.';
CREATE UNIQUE INDEX packages_in_use ON packages (tenant_id, publisher, name, version)
    WHERE deleted_at IS NULL;
COMMENT ON INDEX packages_in_use IS
    'Among the packages in use, one for each publisher, name and version; a deleted one gives its '
    'name free.';
CREATE INDEX packages_status ON packages (tenant_id, status);
COMMENT ON INDEX packages_status IS 'Packages by status.';

CREATE TABLE installers (
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
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages
);
COMMENT ON TABLE installers IS 'Installer files of packages, and what analyses found.';
COMMENT ON COLUMN installers.id IS 'installer_id of the events.';
COMMENT ON COLUMN installers.package_id IS 'The package that the file installs.';
COMMENT ON COLUMN installers.filename IS 'Name of the file.';
COMMENT ON COLUMN installers.file_path IS 'Where the file lies.';
COMMENT ON COLUMN installers.file_type IS 'Kind of the file, such as msi, exe, whl.';
COMMENT ON COLUMN installers.size_bytes IS 'Size of the file in bytes.';
COMMENT ON COLUMN installers.sha256 IS 'SHA-256 of the file, in lower-case hexadecimal.';
COMMENT ON COLUMN installers.analysis_data IS
    'What the last analysis found: silent switches, dependencies, detection rules.';
CREATE INDEX installers_package ON installers (tenant_id, package_id);
COMMENT ON INDEX installers_package IS 'The installers of a package.';
CREATE INDEX installers_sha256 ON installers (tenant_id, sha256);
COMMENT ON INDEX installers_sha256 IS 'Which packages install a given file.';

ALTER TABLE packages ADD CONSTRAINT packages_installer
    FOREIGN KEY (tenant_id, installer_id) REFERENCES installers
    DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT packages_installer ON packages IS
    'Checked at commit, because packages and installers point at each other: a batch writes the '
    'package first.';

CREATE TABLE process_history (
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
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages
);
COMMENT ON TABLE process_history IS
    'Every move of a package''s status, one row a move; the registration is the first.';
COMMENT ON COLUMN process_history.event_id IS
    'eventstore.events.event_id of the event that states the move.';
COMMENT ON COLUMN process_history.package_id IS 'The package that moved.';
COMMENT ON COLUMN process_history.from_status IS
    'Status before; null for the registration.';
COMMENT ON COLUMN process_history.to_status IS 'Status after.';
COMMENT ON COLUMN process_history.agent IS
    'Who moved it: agent of the event, as in agents.agent_id (trust); null when the event names none.';
COMMENT ON COLUMN process_history.reason IS 'Why, in words.';
COMMENT ON COLUMN process_history.correlation_id IS 'The run in which it happened.';
CREATE INDEX process_history_package
    ON process_history (tenant_id, package_id, position);
COMMENT ON INDEX process_history_package IS 'The moves of a package, in log order.';
CREATE INDEX process_history_correlation
    ON process_history (tenant_id, correlation_id, position);
COMMENT ON INDEX process_history_correlation IS 'The moves in a run, in log order.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['packages', 'installers', 'process_history'] LOOP
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
