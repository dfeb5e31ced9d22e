-- Removes the read models of packaging, work and trust, every build of them, and how far each had
-- come: an upgrade starts them again from the first event.
SELECT projections.drop_build(projection, build)
  FROM unnest(ARRAY['packaging', 'work', 'trust']) AS projection,
       unnest(ARRAY['rebuild', 'old']) AS build;
DELETE FROM projections.checkpoints WHERE projection IN ('packaging', 'work', 'trust');
DROP TABLE
    projections.packages, projections.installers, projections.process_history,
    projections.work_orders, projections.work_items, projections.attempts,
    projections.approval_events, projections.agents, projections.agent_sessions,
    projections.agent_decisions, projections.trust_metrics, projections.trust_levels,
    projections.conversation_history;
DROP FUNCTION projections.work_item_words(jsonb);
