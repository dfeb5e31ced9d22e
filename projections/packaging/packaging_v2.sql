-- The tables of packaging, for projection_version 2 and up. Names without a schema belong to the one
-- that the search_path is set to, live or being built.
--
-- Foreign keys hold inside a context; a reference to another context is a plain id with a comment
-- that names the table. A package is deleted by marking it, so that nothing hangs on the ON DELETE
-- of its parts but what somebody does by hand: RESTRICT keeps a package that has parts.

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
    tag_list         text[] GENERATED ALWAYS AS (projections.texts(tags)) STORED,
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
COMMENT ON COLUMN packages.psadt_script_id IS 'The current install script, the one added last.';
COMMENT ON COLUMN packages.wdac_policy_id IS
    'The current application-control policy, the one added last.';
COMMENT ON COLUMN packages.documentation_id IS 'The current documentation, the one added last.';
COMMENT ON COLUMN packages.metadata IS 'What else is known of the package.';
COMMENT ON COLUMN packages.tags IS 'Words to find it by, an array of strings.';
COMMENT ON COLUMN packages.tag_list IS
    'The tags as an array of PostgreSQL, which knows how common each of them is; null without tags.';
COMMENT ON COLUMN packages.deleted_at IS
    'Since when the package is out of use; null while it is in use.';
CREATE UNIQUE INDEX packages_in_use ON packages (tenant_id, publisher, name, version)
    WHERE deleted_at IS NULL;
COMMENT ON INDEX packages_in_use IS
    'Among the packages in use, one for each publisher, name and version; a deleted one gives its '
    'name free.';
CREATE INDEX packages_status ON packages (tenant_id, status, created_at, id);
COMMENT ON INDEX packages_status IS 'Packages by status, the oldest first.';
CREATE INDEX packages_tags ON packages USING gin (tag_list);
COMMENT ON INDEX packages_tags IS 'Packages by tag, through projections.ids_holding.';

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
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages ON DELETE RESTRICT
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

CREATE TABLE psadt_scripts (
    tenant_id      text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    package_id     uuid NOT NULL,
    script_content text NOT NULL,
    parameters     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(parameters) = 'object'),
    script_version integer NOT NULL DEFAULT 1 CHECK (script_version > 0),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages ON DELETE RESTRICT
);
COMMENT ON TABLE psadt_scripts IS 'Install scripts of packages, each as it is now.';
COMMENT ON COLUMN psadt_scripts.id IS 'script_id of the events.';
COMMENT ON COLUMN psadt_scripts.package_id IS 'The package that the script installs.';
COMMENT ON COLUMN psadt_scripts.script_content IS 'The script''s text.';
COMMENT ON COLUMN psadt_scripts.parameters IS 'What it is called with.';
COMMENT ON COLUMN psadt_scripts.script_version IS
    'Number of its version: from 1, one more with each revision.';
CREATE INDEX psadt_scripts_package ON psadt_scripts (tenant_id, package_id);
COMMENT ON INDEX psadt_scripts_package IS 'The scripts of a package.';

CREATE TABLE psadt_script_versions (
    tenant_id      text COLLATE "C" NOT NULL,
    event_id       uuid NOT NULL,
    script_id      uuid NOT NULL,
    script_version integer NOT NULL CHECK (script_version > 0),
    script_content text NOT NULL,
    parameters     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(parameters) = 'object'),
    agent          text COLLATE "C",
    reason         text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (tenant_id, event_id),
    CONSTRAINT psadt_script_versions_numbered UNIQUE (tenant_id, script_id, script_version),
    FOREIGN KEY (tenant_id, script_id) REFERENCES psadt_scripts ON DELETE CASCADE
);
COMMENT ON TABLE psadt_script_versions IS
    'Every version of every install script, the current one among them.';
COMMENT ON COLUMN psadt_script_versions.event_id IS
    'eventstore.events.event_id of the event that states this version.';
COMMENT ON COLUMN psadt_script_versions.script_id IS
    'The script; its versions go when it goes.';
COMMENT ON COLUMN psadt_script_versions.script_version IS
    'Number of the version: from 1, without gaps, in log order.';
COMMENT ON COLUMN psadt_script_versions.script_content IS 'The text of this version.';
COMMENT ON COLUMN psadt_script_versions.parameters IS 'What this version is called with.';
COMMENT ON COLUMN psadt_script_versions.agent IS
    'Who wrote it: agent of the event, as in agents.agent_id (trust); null when the event names none.';
COMMENT ON COLUMN psadt_script_versions.reason IS
    'Why it was revised, in words; null for the first version.';
COMMENT ON CONSTRAINT psadt_script_versions_numbered ON psadt_script_versions IS
    'One version a number, and the way to the versions of a script.';

CREATE TABLE wdac_policies (
    tenant_id    text COLLATE "C" NOT NULL,
    id           uuid NOT NULL,
    package_id   uuid NOT NULL,
    policy_xml   text NOT NULL,
    policy_rules jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(policy_rules) = 'object'),
    test_results jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(test_results) = 'object'),
    test_passed  boolean,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages ON DELETE RESTRICT
);
COMMENT ON TABLE wdac_policies IS
    'Application-control policies of packages, and how they did in tests.';
COMMENT ON COLUMN wdac_policies.id IS 'policy_id of the events.';
COMMENT ON COLUMN wdac_policies.package_id IS 'The package whose files the policy lets run.';
COMMENT ON COLUMN wdac_policies.policy_xml IS 'The policy as Windows reads it.';
COMMENT ON COLUMN wdac_policies.policy_rules IS 'Its rules, for programs.';
COMMENT ON COLUMN wdac_policies.test_results IS
    'What the last test found; empty before the first one.';
COMMENT ON COLUMN wdac_policies.test_passed IS
    'Whether the policy passed its last test; null before the first one.';
CREATE INDEX wdac_policies_package ON wdac_policies (tenant_id, package_id);
COMMENT ON INDEX wdac_policies_package IS 'The policies of a package.';

CREATE TABLE documentation (
    tenant_id       text COLLATE "C" NOT NULL,
    id              uuid NOT NULL,
    package_id      uuid NOT NULL,
    content         text NOT NULL,
    sections        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(sections) = 'object'),
    embedding       vector,
    embedding_model text,
    words           tsvector GENERATED ALWAYS AS (projections.words(content)) STORED,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT documentation_embedded CHECK ((embedding IS NULL) = (embedding_model IS NULL)),
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages ON DELETE RESTRICT
);
COMMENT ON TABLE documentation IS 'Documentation of packages, for people.';
COMMENT ON COLUMN documentation.words IS
    'The words of the text, stemmed: words @@ websearch_to_tsquery(''english'', …).';
COMMENT ON COLUMN documentation.id IS 'documentation_id of the events.';
COMMENT ON COLUMN documentation.package_id IS 'The package that is documented.';
COMMENT ON COLUMN documentation.content IS 'The text.';
COMMENT ON COLUMN documentation.sections IS 'The text in parts, by their titles.';
COMMENT ON CONSTRAINT documentation_embedded ON documentation IS 'A vector says whose it is.';
CREATE INDEX documentation_package ON documentation (tenant_id, package_id);
COMMENT ON INDEX documentation_package IS 'The documentation of a package.';
CREATE INDEX documentation_words ON documentation USING gin (words);
COMMENT ON INDEX documentation_words IS 'Full text, through projections.found_by_words.';

ALTER TABLE packages
    ADD CONSTRAINT packages_installer FOREIGN KEY (tenant_id, installer_id)
        REFERENCES installers ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT packages_script FOREIGN KEY (tenant_id, psadt_script_id)
        REFERENCES psadt_scripts ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT packages_policy FOREIGN KEY (tenant_id, wdac_policy_id)
        REFERENCES wdac_policies ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT packages_documentation FOREIGN KEY (tenant_id, documentation_id)
        REFERENCES documentation ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT packages_installer ON packages IS
    'Checked at commit, because packages and their parts point at each other: a batch writes the '
    'package first. The current installer can''t be deleted.';
COMMENT ON CONSTRAINT packages_script ON packages IS
    'Checked at commit, as that of the installer. The current script can''t be deleted.';
COMMENT ON CONSTRAINT packages_policy ON packages IS
    'Checked at commit, as that of the installer. The current policy can''t be deleted.';
COMMENT ON CONSTRAINT packages_documentation ON packages IS
    'Checked at commit, as that of the installer. The current documentation can''t be deleted.';

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
    FOREIGN KEY (tenant_id, package_id) REFERENCES packages ON DELETE RESTRICT
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

CREATE TABLE knowledge_items (
    tenant_id         text COLLATE "C" NOT NULL,
    id                uuid NOT NULL,
    title             text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 255),
    content           text NOT NULL,
    source_package_id uuid,
    embedding         vector,
    embedding_model   text,
    words             tsvector GENERATED ALWAYS AS (setweight(projections.words(title), 'A')
                      || projections.words(content)) STORED,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    position          bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT knowledge_items_embedded CHECK ((embedding IS NULL) = (embedding_model IS NULL)),
    CONSTRAINT knowledge_items_source FOREIGN KEY (tenant_id, source_package_id)
        REFERENCES packages ON DELETE SET NULL (source_package_id)
);
COMMENT ON TABLE knowledge_items IS 'What the team has learned and wants to find again.';
COMMENT ON COLUMN knowledge_items.words IS
    'The words of title, which count for more, and content, stemmed: '
    'words @@ websearch_to_tsquery(''english'', …).';
COMMENT ON COLUMN knowledge_items.id IS 'knowledge_item_id of the events.';
COMMENT ON COLUMN knowledge_items.title IS 'What it is about, in a line.';
COMMENT ON COLUMN knowledge_items.content IS 'What was learned.';
COMMENT ON COLUMN knowledge_items.source_package_id IS
    'The package from which it was learned; null when from none.';
COMMENT ON CONSTRAINT knowledge_items_embedded ON knowledge_items IS 'A vector says whose it is.';
COMMENT ON CONSTRAINT knowledge_items_source ON knowledge_items IS
    'Knowledge outlives the package from which it came.';
CREATE INDEX knowledge_items_package ON knowledge_items (tenant_id, source_package_id)
    WHERE source_package_id IS NOT NULL;
COMMENT ON INDEX knowledge_items_package IS 'What was learned from a package.';
CREATE INDEX knowledge_items_words ON knowledge_items USING gin (words);
COMMENT ON INDEX knowledge_items_words IS 'Full text, through projections.found_by_words.';

CREATE TABLE system_config (
    tenant_id  text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    value      jsonb NOT NULL,
    revision   integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    updated_by text COLLATE "C" NOT NULL CHECK (char_length(updated_by) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
COMMENT ON TABLE system_config IS 'How the team is set up: a value for each key.';
COMMENT ON COLUMN system_config.key IS 'The setting''s name.';
COMMENT ON COLUMN system_config.value IS 'Its value, any JSON but null.';
COMMENT ON COLUMN system_config.revision IS
    'Number of the value: from 1, one more with each change.';
COMMENT ON COLUMN system_config.updated_by IS
    'Who gave it this value: agents.agent_id (trust), or the name of a person.';

CREATE TABLE system_config_history (
    tenant_id  text COLLATE "C" NOT NULL,
    event_id   uuid NOT NULL,
    key        text COLLATE "C" NOT NULL,
    value      jsonb NOT NULL,
    revision   integer NOT NULL CHECK (revision > 0),
    updated_by text COLLATE "C" NOT NULL CHECK (char_length(updated_by) BETWEEN 1 AND 128),
    reason     text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, event_id),
    CONSTRAINT system_config_history_numbered UNIQUE (tenant_id, key, revision),
    FOREIGN KEY (tenant_id, key) REFERENCES system_config ON DELETE RESTRICT
);
COMMENT ON TABLE system_config_history IS
    'Every value that a setting ever had, the current one among them.';
COMMENT ON COLUMN system_config_history.event_id IS
    'eventstore.events.event_id of the event that gave the value.';
COMMENT ON COLUMN system_config_history.key IS 'The setting''s name.';
COMMENT ON COLUMN system_config_history.value IS 'The value.';
COMMENT ON COLUMN system_config_history.revision IS
    'Number of the value: from 1, without gaps, in log order.';
COMMENT ON COLUMN system_config_history.updated_by IS
    'Who gave it: agents.agent_id (trust), or the name of a person.';
COMMENT ON COLUMN system_config_history.reason IS 'Why, in words.';
COMMENT ON CONSTRAINT system_config_history_numbered ON system_config_history IS
    'One value a number, and the way to the values of a setting.';

CREATE TABLE agent_states (
    tenant_id          text COLLATE "C" NOT NULL,
    agent_name         text COLLATE "C" NOT NULL CHECK (char_length(agent_name) BETWEEN 1 AND 128),
    state              text COLLATE "C" NOT NULL
                       CHECK (state IN ('idle', 'working', 'waiting', 'failed')),
    current_package_id uuid,
    last_seen_at       timestamptz NOT NULL,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    position           bigint NOT NULL,
    PRIMARY KEY (tenant_id, agent_name),
    CONSTRAINT agent_states_package FOREIGN KEY (tenant_id, current_package_id)
        REFERENCES packages ON DELETE SET NULL (current_package_id)
);
COMMENT ON TABLE agent_states IS 'What the agents of the team are at, as each said last.';
COMMENT ON COLUMN agent_states.agent_name IS 'The agent: agents.agent_id (trust).';
COMMENT ON COLUMN agent_states.state IS 'idle, working, waiting or failed.';
COMMENT ON COLUMN agent_states.current_package_id IS
    'The package that it is at; null when it is at none.';
COMMENT ON COLUMN agent_states.last_seen_at IS 'occurred_at of what it said last.';
COMMENT ON CONSTRAINT agent_states_package ON agent_states IS
    'An agent outlives the package that it is at.';
CREATE INDEX agent_states_at ON agent_states (tenant_id, current_package_id)
    WHERE current_package_id IS NOT NULL;
COMMENT ON INDEX agent_states_at IS 'The agents that are at a package.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'packages', 'installers', 'psadt_scripts', 'psadt_script_versions', 'wdac_policies',
        'documentation', 'process_history', 'knowledge_items', 'system_config',
        'system_config_history', 'agent_states'
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
    FOREACH name IN ARRAY ARRAY['documentation', 'knowledge_items'] LOOP
        PERFORM projections.index_embeddings(name::regclass);
    END LOOP;
END
$$;
