-- +goose Up
ALTER TABLE payments ADD COLUMN charged_back INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE payments DROP COLUMN charged_back;
