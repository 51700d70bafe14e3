-- +goose Up
ALTER TABLE audit_checkpoints ADD COLUMN coded INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE audit_checkpoints DROP COLUMN coded;
