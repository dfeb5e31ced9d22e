-- The complete tables of all five contexts. Runs as eventstore_owner; the revision then makes the
-- tables from the files beside their rules.

-- Read models of another version ------------------------------------------------------------------

CREATE FUNCTION projections.drop_live(projection text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tables text := (SELECT string_agg(format('projections.%I', t.table_name), ', ')
                      FROM projections.live_tables AS t
                     WHERE t.projection = drop_live.projection);
BEGIN
    IF tables IS NOT NULL THEN
        EXECUTE 'DROP TABLE IF EXISTS ' || tables;
    END IF;
    PERFORM projections.drop_build(projection, 'rebuild'), projections.drop_build(projection, 'old');
    DELETE FROM projections.live_tables AS t WHERE t.projection = drop_live.projection;
    DELETE FROM projections.failures AS f WHERE f.projection = drop_live.projection;
    DELETE FROM projections.checkpoints AS c WHERE c.projection = drop_live.projection;
END
$$;
COMMENT ON FUNCTION projections.drop_live(text) IS
    'Removes a projection''s tables and builds, and how far it had come: it starts again from the '
    'first event. For migrations.';

CREATE FUNCTION projections.make_way(projection text, projection_version integer) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Whether there are rows, row security does not tell the owner; so it is asked for their room.
    IF EXISTS (SELECT FROM projections.live_tables AS t
                WHERE t.projection = make_way.projection
                  AND (t.projection_version >= make_way.projection_version
                       OR pg_relation_size(to_regclass(format('projections.%I', t.table_name))) > 0))
    THEN
        RETURN false;
    END IF;
    PERFORM projections.drop_live(projection);
    RETURN true;
END
$$;
COMMENT ON FUNCTION projections.make_way(text, integer) IS
    'Makes room for the tables of a newer version, unless there are rows: then a rebuild brings '
    'the version, without downtime. Whether there is room now. For migrations.';

CREATE FUNCTION projections.claim_tables(
    projection text, projection_version integer, there_before text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
    SELECT relname, $1, $2, row_number() OVER (ORDER BY oid)
      FROM pg_class
     WHERE relnamespace = 'projections'::regnamespace AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname <> ALL ($3)
$$;
COMMENT ON FUNCTION projections.claim_tables(text, integer, text[]) IS
    'Enters the tables that were not there before as the live ones of a projection, in the order '
    'in which they were made. For migrations.';

REVOKE ALL ON FUNCTION projections.drop_live(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.make_way(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.claim_tables(text, integer, text[]) FROM PUBLIC;

-- Search: what several contexts call ----------------------------------------------------------------

-- A tsvector ends at 1 MB, and a value that does not fit would stop the projection.
CREATE FUNCTION projections.words(VARIADIC parts text[]) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN octet_length(whole) <= 262144
                THEN to_tsvector('english', whole)
                ELSE to_tsvector('english', left(whole, 100000)) END
      FROM array_to_string(parts, E'\n') AS whole
$$;
COMMENT ON FUNCTION projections.words(text[]) IS
    'The words in these texts, for full-text search; of very large ones, those at the start.';

CREATE FUNCTION projections.index_embeddings(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_name text := (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = relation);
    table_name  text := (SELECT relname FROM pg_class WHERE oid = relation);
    index_name  text;
    dimensions  integer;
BEGIN
    EXECUTE format('COMMENT ON COLUMN %s.embedding IS %L', relation,
                   'What the text means, as a vector; null until a model has made one.');
    EXECUTE format('COMMENT ON COLUMN %s.embedding_model IS %L', relation,
                   'The model that made the vector: only vectors of one model compare.');
    FOREACH dimensions IN ARRAY ARRAY[384, 768, 1024, 1536] LOOP
        index_name := format('%s_embedding_%s', table_name, dimensions);
        EXECUTE format(
            'CREATE INDEX %I ON %s USING hnsw ((embedding::public.vector(%s)) '
            'public.vector_cosine_ops) WHERE public.vector_dims(embedding) = %s',
            index_name, relation, dimensions, dimensions);
        EXECUTE format('COMMENT ON INDEX %s.%I IS %L', schema_name, index_name,
                       format('Nearest by cosine among the vectors of %s dimensions.', dimensions));
    END LOOP;
END
$$;
COMMENT ON FUNCTION projections.index_embeddings(regclass) IS
    'A table may hold vectors of any dimension, as the model has it; an index is for one. So a table '
    'with the columns embedding and embedding_model has one for each that models have: 384, 768, '
    '1024 and 1536.';

REVOKE ALL ON FUNCTION projections.words(text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION projections.index_embeddings(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.words(text[]) TO eventstore_projector, eventstore_auditor;

-- Row security lets no operator near a row before the tenant is known to be right, unless it is
-- leakproof, and @@ is not: for an auditor, an index on words would be of no use, and a search
-- would read the whole table (measured). So this function looks with the eyes of the projector,
-- who has no such policy, and says no more than the keys of the caller's own tenant.
GRANT CREATE ON SCHEMA projections TO eventstore_projector;
SET LOCAL ROLE eventstore_projector;
CREATE FUNCTION projections.found_by_words(
    relation text, query tsquery, filters jsonb, most integer,
    OUT key jsonb, OUT rank real) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant   text := eventstore.current_tenant();
    target   regclass := (SELECT to_regclass(format('projections.%I', l.table_name))
                            FROM projections.live_tables AS l WHERE l.table_name = relation);
    columns  text;
    document text;
    meets    text;
BEGIN
    SELECT string_agg(format('%L, likely.%I', attname, attname), ', '),
           string_agg(format('stored.%I', attname), ', ') INTO document, columns
      FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = target AND indisprimary;
    IF columns IS NULL THEN
        RAISE EXCEPTION 'no read model is called %', relation USING ERRCODE = 'undefined_table';
    END IF;
    SELECT coalesce(string_agg(format(
               'AND stored.%1$I = ANY (ARRAY(SELECT wanted.%1$I FROM '
               'jsonb_populate_recordset(NULL::%2$s, $2 -> %1$L) AS wanted))',
               name, target), ' '), '') INTO meets
      FROM jsonb_object_keys(filters) AS name;
    IF tenant IS DISTINCT FROM '*' THEN  -- a login without a tenant finds nothing
        meets := meets || ' AND stored.tenant_id = $3';
    END IF;
    -- How near the words are to each other costs eight times as much to say as how often they are
    -- there (measured), and common words are in very many rows: so first the one, then the other.
    RETURN QUERY EXECUTE format(
        'SELECT jsonb_build_object(%s), ts_rank_cd(likely.words, $1) AS rank '
        '  FROM (SELECT %s, words, position FROM %s AS stored WHERE words @@ $1 %s '
        '         ORDER BY ts_rank(words, $1) DESC, position DESC LIMIT $5) AS likely '
        ' ORDER BY rank DESC, likely.position DESC LIMIT $4',
        document, columns, target, meets)
        USING query, filters, tenant, most, greatest(500, 5 * most);
END
$$;
COMMENT ON FUNCTION projections.found_by_words(text, tsquery, jsonb, integer) IS
    'The keys of the rows of a searchable table in which a query is found, the best first, of the '
    'caller''s tenant. `filters` has for each column rows with the values that it may have.';
REVOKE ALL ON FUNCTION projections.found_by_words(text, tsquery, jsonb, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.found_by_words(text, tsquery, jsonb, integer)
    TO eventstore_auditor;

-- `?` and `@>` are not leakproof either: an auditor uses the indexes on tags, files and dependencies
-- through this function, in the same way.
CREATE FUNCTION projections.ids_holding(
    relation text, holder text, word text, wanted jsonb, after uuid, most bigint)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant text := eventstore.current_tenant();
    target regclass := (SELECT to_regclass(format('projections.%I', l.table_name))
                          FROM projections.live_tables AS l WHERE l.table_name = relation);
    -- PostgreSQL knows how common each element of an array is, but not each key of an object, and
    -- would look for a rare one along the ids; OFFSET 0 makes it find all that hold it first.
    holds  text := (SELECT CASE atttypid WHEN 'jsonb'::regtype THEN '%s ? $1 %s OFFSET 0'
                                         WHEN 'text[]'::regtype THEN '%s @> ARRAY[$1] %s' END
                      FROM pg_attribute WHERE attrelid = target AND attname = holder);
    meets  text;
BEGIN
    IF holds IS NULL THEN
        RAISE EXCEPTION 'no read model % holds words in a column %', relation, holder
            USING ERRCODE = 'undefined_column';
    END IF;
    SELECT coalesce(string_agg(CASE jsonb_typeof(value)
               WHEN 'null' THEN format(' AND stored.%I IS NULL', key)
               ELSE format(' AND stored.%1$I = (jsonb_populate_record(NULL::%2$s, $2)).%1$I',
                           key, target) END, ''), '') INTO meets
      FROM jsonb_each(wanted);
    IF tenant IS DISTINCT FROM '*' THEN  -- a login without a tenant finds nothing
        meets := meets || ' AND stored.tenant_id = $3';
    END IF;
    IF after IS NOT NULL THEN
        meets := meets || ' AND stored.id > $4';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT id FROM (SELECT stored.id FROM %s AS stored WHERE %s) AS found ORDER BY id LIMIT $5',
        target, format(holds, format('stored.%I', holder), meets))
        USING word, wanted, tenant, after, most;
END
$$;
COMMENT ON FUNCTION projections.ids_holding(text, text, text, jsonb, uuid, bigint) IS
    'The ids after one, in order, of the rows of a read model that hold a word in a column: a key of '
    'an object or an element of an array, in jsonb, or of text[]. Rows of the caller''s tenant, '
    'with what is wanted in other columns.';
REVOKE ALL ON FUNCTION projections.ids_holding(text, text, text, jsonb, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.ids_holding(text, text, text, jsonb, uuid, bigint)
    TO eventstore_auditor;
SET LOCAL ROLE eventstore_owner;
REVOKE CREATE ON SCHEMA projections FROM eventstore_projector;

-- packaging ---------------------------------------------------------------------------------------

CREATE FUNCTION projections.texts(elements jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(element)
      FROM jsonb_array_elements_text(
               CASE jsonb_typeof(elements) WHEN 'array' THEN elements END) AS element
$$;
COMMENT ON FUNCTION projections.texts(jsonb) IS 
    'A jsonb array of strings as an array of texts; null for an empty one, and for what is no array.';
REVOKE ALL ON FUNCTION projections.texts(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.texts(jsonb) TO eventstore_projector, eventstore_auditor;

-- work --------------------------------------------------------------------------------------------

-- trust -------------------------------------------------------------------------------------------

CREATE FUNCTION projections.agent_knowledge_words(domain text, content jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_tsvector('english', domain)
           || CASE WHEN octet_length(content::text) <= 262144
                   THEN to_tsvector('english', content)
                   ELSE to_tsvector('english', left(content::text, 100000)) END
$$;
COMMENT ON FUNCTION projections.agent_knowledge_words(text, jsonb) IS
    'The words of what an agent learned: what it is about, and the strings of its content; of a '
    'very large content, those at its start.';
REVOKE ALL ON FUNCTION projections.agent_knowledge_words(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.agent_knowledge_words(text, jsonb)
    TO eventstore_projector, eventstore_auditor;

-- projects ----------------------------------------------------------------------------------------

-- workspaces --------------------------------------------------------------------------------------
