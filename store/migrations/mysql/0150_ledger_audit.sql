-- +goose Up
ALTER TABLE ledger_entries ADD COLUMN audit_id VARCHAR(32) NULL;

-- +goose Down
ALTER TABLE ledger_entries DROP COLUMN audit_id;
