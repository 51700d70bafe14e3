-- +goose Up
CREATE TABLE orders (
    id            TEXT NOT NULL,
    redemption_id TEXT NOT NULL,
    caller        TEXT NOT NULL,
    order_id      TEXT NOT NULL,
    merchant_id   TEXT NOT NULL,
    state         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    total         INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (redemption_id)
) STRICT;
CREATE INDEX orders_caller ON orders (caller, order_id);

-- +goose Down
DROP TABLE orders;
