-- +goose Up
ALTER TABLE coupons ADD COLUMN code_key TEXT NULL;

-- +goose Down
ALTER TABLE coupons DROP COLUMN code_key;
