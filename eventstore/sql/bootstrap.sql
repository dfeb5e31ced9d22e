-- name: bootstrap
-- Roles, schemas and rights that only an administrator can give; may run any number of times.
SELECT pg_advisory_xact_lock(-17752);
DO $$
DECLARE
    part name;
BEGIN
    FOREACH part IN ARRAY ARRAY['eventstore_owner', 'eventstore_appender', 'eventstore_projector',
                                'eventstore_archiver', 'eventstore_auditor',
                                'eventstore_subscriber']
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = part) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', part);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- roles belong to the whole cluster: another database's bootstrap made it
        END;
    END LOOP;
    -- An administrator who is no superuser needs the owner's part to make schemas for it.
    IF NOT pg_has_role('eventstore_owner', 'SET') THEN
        GRANT eventstore_owner TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
    BEGIN
        -- Not to the auditor: tenants play that part, and would see each other's statements.
        GRANT pg_read_all_stats TO eventstore_owner;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE WARNING 'pg_read_all_stats not granted: holders of stalled appends stay unnamed';
    END;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO eventstore_owner', current_database());
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
    END IF;
END
$$;
CREATE SCHEMA IF NOT EXISTS eventstore AUTHORIZATION eventstore_owner;
CREATE SCHEMA IF NOT EXISTS projections AUTHORIZATION eventstore_owner;
COMMENT ON SCHEMA eventstore IS 'The append-only log of events.';
COMMENT ON SCHEMA projections IS 'Read models, built from the log and disposable, and checkpoints.';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- Readers learn from advisory locks how far the log is complete, so whoever can take one can stall
-- them all. Only the owner's functions may.
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT oid FROM pg_proc
         WHERE pronamespace = 'pg_catalog'::regnamespace
           AND (proname LIKE 'pg\_advisory\_%' OR proname LIKE 'pg\_try\_advisory\_%')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO eventstore_owner', routine);
    END LOOP;
END
$$

-- name: grant_parts
-- Lets a login play every part, one at a time, by SET ROLE; by itself it has no right.
GRANT eventstore_owner, eventstore_appender, eventstore_projector, eventstore_archiver,
      eventstore_auditor, eventstore_subscriber
   TO {login} WITH INHERIT FALSE, SET TRUE

-- name: login
-- Whether a login exists.
SELECT rolcanlogin FROM pg_roles WHERE rolname = %(login)s

-- name: create_login
-- Makes the login of the embedded server's applications; who may connect is the socket's matter.
CREATE ROLE {login} LOGIN

-- name: database_exists
-- Whether a database of this name is there.
SELECT FROM pg_database WHERE datname = %(name)s

-- name: create_database
-- Makes an empty database.
CREATE DATABASE {database} TEMPLATE template0

-- name: drop_database
-- Removes a database and ends whatever is connected to it.
DROP DATABASE IF EXISTS {database} WITH (FORCE)

-- name: rename_database
-- Gives a database that is complete its real name.
ALTER DATABASE {database} RENAME TO {name}

-- name: standing
-- What the login may do about migrations: is it a superuser, is the owner's role there and open
-- to it.
SELECT rolsuper,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'eventstore_owner')
           -- The newest of the roles: an older bootstrap has to be done again.
           AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'eventstore_subscriber')
           AND to_regnamespace('eventstore') IS NOT NULL AS bootstrapped,
       coalesce((SELECT pg_has_role(oid, 'SET') FROM pg_roles WHERE rolname = 'eventstore_owner'),
                false) AS may_own
  FROM pg_roles WHERE rolname = session_user
