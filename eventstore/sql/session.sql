-- name: begin_session
-- Puts a connection into its part: role, tenant, name resolution and limits, in one round trip.
-- They stay if the server process is the one that the client knows, else they hold for this
-- transaction. The server's start, and that of its statistics, which begin anew after a crash,
-- tell one life of the server from the next.
SELECT pid, pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time(),
       set_config('role', %(role)s, pid <> %(backend)s),
       set_config('eventstore.tenant', %(tenant)s, pid <> %(backend)s),
       set_config('search_path', 'projections, eventstore, public', pid <> %(backend)s),
       set_config('timezone', 'UTC', pid <> %(backend)s),
       set_config('statement_timeout', %(statement_timeout)s, pid <> %(backend)s),
       set_config('lock_timeout', %(lock_timeout)s, pid <> %(backend)s),
       set_config('transaction_timeout', %(transaction_timeout)s, pid <> %(backend)s),
       set_config('plan_cache_mode', %(plan_cache_mode)s, pid <> %(backend)s),
       set_config('enable_seqscan', %(enable_seqscan)s, pid <> %(backend)s)
  FROM pg_backend_pid() AS pid
