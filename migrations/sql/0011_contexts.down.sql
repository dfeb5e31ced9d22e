-- Removes what 0011 added, once the revision has put the former tables back.
DROP FUNCTION projections.index_embeddings(regclass);
DROP FUNCTION projections.words(text[]);
DROP FUNCTION projections.texts(jsonb);
DROP FUNCTION projections.ids_holding(text, text, text, jsonb, uuid, bigint);
DROP FUNCTION projections.claim_tables(text, integer, text[]);
DROP FUNCTION projections.make_way(text, integer);
DROP FUNCTION projections.drop_live(text);

-- trust
DROP FUNCTION projections.agent_knowledge_words(text, jsonb);
DROP FUNCTION projections.message_words(text);
