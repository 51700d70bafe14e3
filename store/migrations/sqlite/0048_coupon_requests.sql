-- +goose Up
ALTER TABLE coupons ADD COLUMN request_hash INTEGER NOT NULL DEFAULT 0;
CREATE INDEX coupons_request ON coupons (batch_id, request_hash);

-- +goose Down
DROP INDEX coupons_request;
ALTER TABLE coupons DROP COLUMN request_hash;
