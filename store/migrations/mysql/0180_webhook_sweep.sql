-- +goose Up
ALTER TABLE webhook_endpoints ADD COLUMN sweep_at DATETIME(6) NULL;

-- +goose Down
ALTER TABLE webhook_endpoints DROP COLUMN sweep_at;
