-- Removes what 0011 added, once the revision has put the former tables back.
DROP FUNCTION projections.claim_tables(text, integer, text[]);
DROP FUNCTION projections.make_way(text, integer);
DROP FUNCTION projections.drop_live(text);
