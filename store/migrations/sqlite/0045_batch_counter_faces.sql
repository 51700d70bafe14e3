-- +goose Up
ALTER TABLE batch_counters ADD COLUMN face_amount INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE batch_counters DROP COLUMN face_amount;
