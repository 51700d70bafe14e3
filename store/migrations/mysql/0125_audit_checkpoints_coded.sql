-- +goose Up
ALTER TABLE audit_checkpoints ADD COLUMN coded BIGINT NOT NULL DEFAULT 0 AFTER issued;

-- +goose Down
ALTER TABLE audit_checkpoints DROP COLUMN coded;
