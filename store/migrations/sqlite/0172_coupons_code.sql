-- +goose Up
CREATE INDEX coupons_code ON coupons (code_key, id) WHERE code_key IS NOT NULL;

-- +goose Down
DROP INDEX coupons_code;
