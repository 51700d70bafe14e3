-- +goose Up
ALTER TABLE batch_counters ADD COLUMN coded BIGINT NOT NULL DEFAULT 0 AFTER issued;

-- +goose Down
ALTER TABLE batch_counters DROP COLUMN coded;
