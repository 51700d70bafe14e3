-- +goose Up
ALTER TABLE ledger_entries ADD COLUMN audit_id TEXT NULL;

-- +goose Down
ALTER TABLE ledger_entries DROP COLUMN audit_id;
