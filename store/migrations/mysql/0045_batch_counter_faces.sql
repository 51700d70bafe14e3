-- +goose Up
ALTER TABLE batch_counters ADD COLUMN face_amount BIGINT NOT NULL DEFAULT 0 AFTER issued;

-- +goose Down
ALTER TABLE batch_counters DROP COLUMN face_amount;
