-- +goose Up
ALTER TABLE batch_counters ADD COLUMN coded INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE batch_counters DROP COLUMN coded;
