-- +goose Up
ALTER TABLE batches ADD COLUMN products TEXT NULL;

-- +goose Down
ALTER TABLE batches DROP COLUMN products;
