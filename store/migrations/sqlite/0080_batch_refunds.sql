-- +goose Up
ALTER TABLE batches ADD COLUMN refunds TEXT NULL;

-- +goose Down
ALTER TABLE batches DROP COLUMN refunds;
