-- +goose Up
ALTER TABLE payments ADD COLUMN charged_back BIGINT NOT NULL DEFAULT 0 AFTER amount;

-- +goose Down
ALTER TABLE payments DROP COLUMN charged_back;
