-- What the tables of packaging, work and trust call; the revision then makes the tables from the
-- files beside their rules. Runs as eventstore_owner.

-- A tsvector ends at 1 MB, and a value that does not fit would stop the projection.
CREATE FUNCTION projections.work_item_words(content jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN octet_length(content::text) <= 262144
                THEN to_tsvector('english', content)
                ELSE to_tsvector('english', left(content::text, 100000)) END
$$;
COMMENT ON FUNCTION projections.work_item_words(jsonb) IS
    'The words in the strings of a work item''s content; of a very large one, those at its start.';
REVOKE ALL ON FUNCTION projections.work_item_words(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.work_item_words(jsonb)
    TO eventstore_projector, eventstore_auditor;
