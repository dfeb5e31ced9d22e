-- name: opened
-- An order that is opened twice violates the key.
INSERT INTO orders (
    tenant_id, order_id, title, shipments, created_at, updated_at, position)
SELECT tenant_id, order_id, title, 0, occurred_at, occurred_at, position
  FROM events, json_to_record(data) AS said (order_id uuid, title text)
 WHERE position > %(after)s AND position <= %(until)s AND event_type = 'orders.opened';

-- name: too_early
-- What is shipped before it is opened. As yet, an order that this range opens has the position of
-- its opening.
SELECT events.position, said.order_id
  FROM events
 CROSS JOIN json_to_record(data) AS said (order_id uuid)
  LEFT JOIN orders
    ON orders.tenant_id = events.tenant_id AND orders.order_id = said.order_id
   AND orders.position < events.position
 WHERE events.position > %(after)s AND events.position <= %(until)s
   AND event_type = 'orders.shipped' AND orders.order_id IS NULL
 LIMIT 1;

-- name: shipped
-- The last carrier of each order, and how often it was shipped.
UPDATE orders
   SET carrier = news.carrier, shipments = shipments + news.count,
       updated_at = news.occurred_at, position = news.position
  FROM (SELECT DISTINCT ON (tenant_id, said.order_id)
               tenant_id, said.order_id, said.carrier, occurred_at, position,
               count(*) OVER (PARTITION BY tenant_id, said.order_id) AS count
          FROM events, json_to_record(data) AS said (order_id uuid, carrier text)
         WHERE position > %(after)s AND position <= %(until)s AND event_type = 'orders.shipped'
         ORDER BY tenant_id, said.order_id, position DESC) AS news
 WHERE orders.tenant_id = news.tenant_id AND orders.order_id = news.order_id
