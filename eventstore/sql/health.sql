-- name: standing
-- Whether this is a standby, its stored watermark, for how many seconds that was not renewed, and
-- how many months from this one on every class has partitions for.
SELECT pg_is_in_recovery(), stored.watermark,
       greatest(extract(epoch FROM clock_timestamp() - stored.at), 0)::double precision,
       (SELECT min(12 * extract(year FROM last) + extract(month FROM last)
                   - 12 * extract(year FROM clock_timestamp())
                   - extract(month FROM clock_timestamp()))::integer
          FROM (SELECT max(from_time) AS last FROM eventstore.partitions
                 GROUP BY retention_class) AS class)
  FROM eventstore.stored_watermark AS stored

-- name: read_age
-- For how many seconds what reads show is not certain to be all: 0 on the primary.
SELECT CASE WHEN pg_is_in_recovery()
            THEN greatest(extract(epoch FROM clock_timestamp() - at), 0) ELSE 0 END::double precision
  FROM eventstore.stored_watermark

-- name: wait_for_position
-- The watermark as soon as it has reached a position, or `after` when so many looks were in vain.
SELECT eventstore.wait_for_news(%(after)s, %(looks)s, %(pause)s)

-- name: held_back
-- For how long the oldest append in flight has held readers back, in seconds; null for none.
SELECT extract(epoch FROM clock_timestamp() - min(began_at))::double precision
  FROM eventstore.appends_in_flight()
