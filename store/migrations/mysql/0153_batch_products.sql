-- +goose Up
ALTER TABLE batches ADD COLUMN products JSON NULL;

-- +goose Down
ALTER TABLE batches DROP COLUMN products;
