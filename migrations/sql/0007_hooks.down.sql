-- Removes hooks. What they were told is forgotten with them.
DROP FUNCTION projections.hooks_told(text, bigint);
DROP FUNCTION projections.tell_hooks_late(text, bigint[]);
DROP TABLE projections.hook_backlog;
DROP TABLE projections.hooks;
