-- name: reach
-- How far a search by meaning looks, in this transaction. Iterative scans go on along the index
-- until enough rows pass the filters; relaxed order will do, because what is found is sorted.
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(ef_search)s, true),
       set_config('hnsw.max_scan_tuples', %(max_scan_tuples)s, true)

-- name: by_vector
-- The rows whose embeddings are nearest to a vector.
WITH near AS MATERIALIZED (
    SELECT {key}, embedding::vector({dimensions}) <=> %(vector)s::vector({dimensions}) AS distance
      FROM {table} AS stored
     WHERE vector_dims(embedding) = {dimensions} {filters}
     ORDER BY embedding::vector({dimensions}) <=> %(vector)s::vector({dimensions})
     LIMIT %(limit)s
)
SELECT {stored_key}, {title}, left({body}, 300), 1 - distance,
       row_number() OVER (ORDER BY distance, position DESC), 1 - distance, NULL, NULL
  FROM near JOIN {table} AS stored USING ({key})
 ORDER BY distance, position DESC

-- name: by_text
-- The rows in which words are found, the best first.
WITH worded AS MATERIALIZED (
    SELECT {found_key}, rank
      FROM projections.found_by_words(%(table)s, websearch_to_tsquery('english', %(text)s),
                                      %(filters)s, %(limit)s),
           jsonb_populate_record(NULL::{table}, key) AS found
)
SELECT {stored_key}, {title}, {headline}, rank::double precision,
       NULL, NULL, row_number() OVER (ORDER BY rank DESC, position DESC), rank::double precision
  FROM worded JOIN {table} AS stored USING ({key})
 ORDER BY rank DESC, position DESC

-- name: hybrid
-- Both, fused by reciprocal rank: what either finds early is early, what both find is earlier.
WITH near AS MATERIALIZED (
    SELECT {key}, embedding::vector({dimensions}) <=> %(vector)s::vector({dimensions}) AS distance
      FROM {table} AS stored
     WHERE vector_dims(embedding) = {dimensions} {filters}
     ORDER BY embedding::vector({dimensions}) <=> %(vector)s::vector({dimensions})
     LIMIT %(candidates)s
), worded AS MATERIALIZED (
    SELECT {found_key}, rank
      FROM projections.found_by_words(%(table)s, websearch_to_tsquery('english', %(text)s),
                                      %(filters)s, %(candidates)s),
           jsonb_populate_record(NULL::{table}, key) AS found
), placed_near AS (
    SELECT *, row_number() OVER (ORDER BY distance, {key}) AS vector_place FROM near
), placed_worded AS (
    SELECT *, row_number() OVER (ORDER BY rank DESC, {key}) AS text_place FROM worded
), fused AS (
    SELECT *, coalesce(1.0 / (%(k)s + vector_place), 0)
              + coalesce(1.0 / (%(k)s + text_place), 0) AS score
      FROM placed_near FULL JOIN placed_worded USING ({key})
     ORDER BY score DESC, {key} LIMIT %(limit)s
)
SELECT {stored_key}, {title}, {headline}, score::double precision,
       vector_place, 1 - distance, text_place, rank::double precision
  FROM fused JOIN {table} AS stored USING ({key})
 ORDER BY score DESC, {key}

-- name: filter
-- A column has one of these values.
AND stored.{column} = ANY (ARRAY(
    SELECT wanted.{column}
      FROM jsonb_populate_recordset(NULL::{table}, %(filters)s::jsonb -> {name}) AS wanted))

-- name: of_model
-- The embedding was made by a model; a row without one can still be found by its words.
AND stored.embedding_model = %(model)s

-- name: headline
-- The part of a text in which a query's words are, or its beginning.
ts_headline('english', left({body}, 20000), websearch_to_tsquery('english', %(text)s),
            'StartSel="", StopSel="", MaxFragments=2, MaxWords=30, MinWords=12')

-- name: not_embedded
-- The next rows, by key, that have no embedding of this model.
SELECT {columns} FROM {table} AS stored
 WHERE (embedding IS NULL OR embedding_model IS DISTINCT FROM %s) {after}
 ORDER BY {key} LIMIT %s

-- name: after
-- Goes on after a row.
AND ({key}) > ({last})
