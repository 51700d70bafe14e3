-- +goose Up
ALTER TABLE batches ADD COLUMN refunds JSON NULL;

-- +goose Down
ALTER TABLE batches DROP COLUMN refunds;
