-- The table of orders.
CREATE TABLE orders (
    tenant_id  text COLLATE "C" NOT NULL,
    order_id   uuid NOT NULL,
    title      text NOT NULL,
    carrier    text,
    shipments  bigint NOT NULL CHECK (shipments < 1000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, order_id)
);
CREATE UNIQUE INDEX orders_title ON orders (tenant_id, title);
SELECT projections.protect('orders');
