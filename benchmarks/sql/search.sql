-- name: without_index
-- Has the session look at every row, and so find what is really nearest.
SELECT set_config('enable_indexscan', 'off', false)

-- name: exact
-- The ten items that are nearest to a vector.
SELECT id FROM knowledge_items WHERE vector_dims(embedding) = 384
 ORDER BY embedding::vector(384) <=> %(vector)s::vector(384) LIMIT 10
