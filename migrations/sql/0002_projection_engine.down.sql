-- Removes the engine. The builds that rebuilds left beside the live tables go with it.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace
                 WHERE nspname ~ '^projections_(old|rebuild)_'
                   AND nspowner = 'eventstore_owner'::regrole
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END
$$;
DROP FUNCTION projections.switch_builds(text, text[], bigint);
DROP FUNCTION projections.drop_build(text, text);
DROP FUNCTION projections.clone_protection(text, text, text[]);
DROP FUNCTION projections.clone_constraints(text, text, text[]);
DROP FUNCTION projections.clone_structure(text, text, text[]);
DROP FUNCTION projections.assert_rebuildable(text[]);
DROP FUNCTION projections.relations(text, text[]);
DROP FUNCTION projections.build_schema(text, text);
DROP FUNCTION projections.protect(regclass);
DROP TABLE projections.checkpoints;
REVOKE USAGE ON SCHEMA projections FROM eventstore_projector, eventstore_auditor;
