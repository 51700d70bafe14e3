-- +goose Up
ALTER TABLE batches ADD COLUMN notices TEXT NULL;

-- +goose Down
ALTER TABLE batches DROP COLUMN notices;
