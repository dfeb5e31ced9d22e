-- name: forget_plans
-- Has the session plan its statements and foreign keys anew, over tables of the size they now have.
DISCARD PLANS

-- name: load
-- The rows of one table that a batch names, by their keys; missing ones do not appear.
SELECT {columns}
  FROM json_populate_recordset(NULL::{table}, %s::text::json) AS named
  JOIN {table} AS stored USING ({key})

-- name: load_in_months
-- The same for a table that is kept by month: other months than those of the keys are not opened.
-- Which they are is in the text, or a plan for any values would be one for all months.
SELECT {columns}
  FROM json_populate_recordset(NULL::{table}, %s::text::json) AS named
  JOIN {table} AS stored USING ({key})
 WHERE {month} BETWEEN {first} AND {last}

-- name: make_months
-- Makes the months of a table that some rows need, as far as they are not there.
SELECT projections.make_months(%(schema)s, %(table)s, %(months)s)

-- name: save
-- Writes the rows of one table that a batch made or changed.
INSERT INTO {table} ({names})
SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::text::json)
ON CONFLICT ({key}) DO UPDATE SET ({changing}) = ROW ({excluded})

-- name: remove
-- Deletes the rows of one table that a batch removed.
DELETE FROM {table} AS stored
 USING json_populate_recordset(NULL::{table}, %s::text::json) AS named
 WHERE ({stored_key}) = ({named_key})

-- name: remove_in_months
-- The same for a table that is kept by month.
DELETE FROM {table} AS stored
 USING json_populate_recordset(NULL::{table}, %s::text::json) AS named
 WHERE ({stored_key}) = ({named_key}) AND {month} BETWEEN {first} AND {last}

-- name: insert
-- Loads rows into a table that has none of their keys, nor a key yet.
INSERT INTO {table} ({names})
SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::text::json)

-- name: types
-- The types of a table's columns, in the order asked for, and whether a collation orders them.
SELECT atttypid::integer, attcollation <> 0
  FROM unnest(%(names)s::text[]) WITH ORDINALITY AS wanted (name, place)
  JOIN pg_attribute ON attrelid = %(table)s::regclass AND attname = name
 ORDER BY place

-- name: copy
-- Loads rows into a table that has none of their keys: the quickest way there is.
COPY {table} ({names}) FROM STDIN (FORMAT BINARY)

-- name: read
-- Every row of a table.
SELECT {names} FROM {table}

-- name: read_in_order
-- Every row of a table, by key.
SELECT {columns} FROM {table} AS stored ORDER BY {ordered_key}

-- name: read_bucket
-- The rows of one bucket, by key: those whose last event falls into it. A row that names no event
-- of the log is in the first.
SELECT {columns} FROM {table} AS stored
  LEFT JOIN eventstore.events AS last
    ON last.position = stored.position AND last.tenant_id = stored.tenant_id
 WHERE eventstore.shard_of(last.data ->> %(field)s, %(of)s) = %(number)s
 ORDER BY {ordered_key}
