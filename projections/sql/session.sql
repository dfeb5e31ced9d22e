-- name: plan_for_keys
-- A live projector reads by key and by position only, so an index is right however small a table
-- was when a statement was planned; and planning over all partitions takes longer than reading.
-- Rows that an index finds in vain are made dear, so that the primary key is preferred to others
-- before there are statistics; compiling, which high costs would set off, never pays here.
-- Through a pooler every statement is planned anew, and then best with the values at hand.
SELECT pid,
       set_config('plan_cache_mode', CASE WHEN pid = %(backend)s THEN 'force_generic_plan'
                                          ELSE 'force_custom_plan' END, pid <> %(backend)s),
       set_config('enable_seqscan', 'off', pid <> %(backend)s),
       set_config('enable_bitmapscan', 'off', pid <> %(backend)s),
       set_config('enable_hashjoin', 'off', pid <> %(backend)s),
       set_config('enable_mergejoin', 'off', pid <> %(backend)s),
       set_config('cpu_tuple_cost', '100', pid <> %(backend)s),
       set_config('jit', 'off', pid <> %(backend)s)
  FROM pg_backend_pid() AS pid
