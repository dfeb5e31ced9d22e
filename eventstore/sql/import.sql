-- name: import_events
-- Appends thousands of requests at once, from arrays.
SELECT outcomes, last_position
  FROM eventstore.import_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                                $16, $17, $18)
