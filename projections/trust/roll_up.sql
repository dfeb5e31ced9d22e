-- name: due
-- What can be rolled up: the metrics of days that ended so long ago, of each agent and type in
-- order of time, and how often the day was rolled up before, all in one snapshot.
SELECT m.agent_id, m.metric_type, m.day, coalesce(d.roll_ups, 0), m.metric_id, m.metric_value
  FROM (SELECT agent_id, metric_type, (recorded_at AT TIME ZONE 'UTC')::date AS day, metric_id,
               metric_value, recorded_at
          FROM projections.trust_metrics
         WHERE tenant_id = %(tenant)s
           AND recorded_at < date_trunc('day', clock_timestamp() - %(age)s, 'UTC')) AS m
  LEFT JOIN projections.trust_metrics_daily AS d
         ON d.tenant_id = %(tenant)s AND d.agent_id = m.agent_id
        AND d.metric_type = m.metric_type AND d.day = m.day
 ORDER BY m.agent_id, m.metric_type, m.day, m.recorded_at, m.metric_id
