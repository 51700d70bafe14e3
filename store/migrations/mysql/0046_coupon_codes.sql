-- +goose Up
ALTER TABLE coupons ADD COLUMN code_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL AFTER face_value;

-- +goose Down
ALTER TABLE coupons DROP COLUMN code_key;
