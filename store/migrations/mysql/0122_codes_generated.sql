-- +goose Up
ALTER TABLE codes ADD COLUMN `generated` BOOLEAN NOT NULL DEFAULT FALSE AFTER active;

-- +goose Down
ALTER TABLE codes DROP COLUMN `generated`;
