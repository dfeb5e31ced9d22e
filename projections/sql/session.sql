-- name: plan_for_keys
-- A live projector reads by key and by position only, so an index is right however small a table
-- was when a statement was planned; and planning over all partitions takes longer than reading.
-- Rows that an index finds in vain are made dear, so that the primary key is preferred to others
-- before there are statistics; compiling, which high costs would set off, never pays here.
SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('enable_seqscan', 'off', false),
       set_config('enable_bitmapscan', 'off', false),
       set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false),
       set_config('cpu_tuple_cost', '100', false),
       set_config('jit', 'off', false)
