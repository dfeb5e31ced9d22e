-- name: copy
-- Every read model as a plain table: the same columns, rows and indexes, without row security,
-- foreign keys and months, in the schema plain; and what finds words in one.
CREATE SCHEMA plain;
DO $$
DECLARE
    name    text;
    columns text;
BEGIN
    FOR name IN SELECT table_name FROM projections.live_tables LOOP
        EXECUTE format('CREATE TABLE plain.%1$I (LIKE projections.%1$I INCLUDING ALL)', name);
        SELECT string_agg(quote_ident(attname), ', ') INTO columns
          FROM pg_attribute
         WHERE attrelid = format('plain.%I', name)::regclass AND attnum > 0 AND attgenerated = '';
        EXECUTE format('INSERT INTO plain.%1$I (%2$s) SELECT %2$s FROM projections.%1$I',
                       name, columns);
    END LOOP;
END
$$;
CREATE FUNCTION plain.ids_holding(
    relation text, holder text, word text, wanted jsonb, after uuid, most bigint)
RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 50 AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT id FROM (SELECT id FROM plain.%1$I AS held WHERE %2$I %3$s %4$s) AS found '
        'ORDER BY id LIMIT $2', relation, holder,
        CASE WHEN pg_typeof(NULL::text[])::text = (
                  SELECT format_type(atttypid, NULL) FROM pg_attribute
                   WHERE attrelid = format('plain.%I', relation)::regclass AND attname = holder)
             THEN '@> ARRAY[$1]' ELSE '? $1' END,
        CASE WHEN wanted ? 'deleted_at' THEN 'AND deleted_at IS NULL'
             WHEN wanted ? 'status' THEN 'AND status = ''active''' ELSE '' END
        || CASE WHEN holder IN ('codebase', 'environment_vars', 'modified_files')
                THEN ' OFFSET 0' ELSE '' END) USING word, most;
END
$$

-- name: path
-- Names mean plain tables first; the rest is as in the sessions of the store.
SELECT set_config('search_path', 'plain, public', false),
       set_config('plan_cache_mode', 'force_custom_plan', false),
       set_config('timezone', 'UTC', false)

-- name: tidy
-- As autovacuum would have left it.
VACUUM (ANALYZE)

-- name: sizes
-- How many rows the read models have.
SELECT sum(reltuples)::bigint FROM pg_class
 WHERE relnamespace = 'plain'::regnamespace AND relkind = 'r'
