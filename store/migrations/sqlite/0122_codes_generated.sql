-- +goose Up
ALTER TABLE codes ADD COLUMN generated INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE codes DROP COLUMN generated;
