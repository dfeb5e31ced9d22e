-- name: undo
-- Takes back what was sent so far; the client gave up in the middle.
ROLLBACK
