-- name: begin_session
-- Puts a new connection into its part: role, tenant, name resolution and limits, in one round trip.
SELECT set_config('role', %(role)s, false),
       set_config('eventstore.tenant', %(tenant)s, false),
       set_config('search_path', 'projections, eventstore, public', false),
       set_config('timezone', 'UTC', false),
       set_config('statement_timeout', %(statement_timeout)s, false),
       set_config('lock_timeout', %(lock_timeout)s, false),
       set_config('transaction_timeout', %(transaction_timeout)s, false),
       set_config('plan_cache_mode', %(plan_cache_mode)s, false)
