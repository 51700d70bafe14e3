-- +goose Up
ALTER TABLE orders ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE orders DROP COLUMN refunded;
