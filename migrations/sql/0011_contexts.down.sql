-- Removes what 0011 added, once the revision has put the former tables back. Beside those that were
-- never replaced, there may be builds that call what goes.
SELECT projections.drop_build(projection, build)
  FROM unnest(ARRAY['packaging', 'work', 'trust']) AS projection,
       unnest(ARRAY['rebuild', 'old']) AS build;
DROP FUNCTION projections.found_by_words(text, tsquery, jsonb, integer);
DROP FUNCTION projections.index_embeddings(regclass);
DROP FUNCTION projections.words(text[]);
DROP FUNCTION projections.texts(jsonb);
DROP FUNCTION projections.ids_holding(text, text, text, jsonb, uuid, bigint);
DROP FUNCTION projections.claim_tables(text, integer, text[]);
DROP FUNCTION projections.make_way(text, integer);
DROP FUNCTION projections.drop_live(text);

-- trust
DROP FUNCTION projections.agent_knowledge_words(text, jsonb);
