-- +goose Up
CREATE INDEX coupons_code ON coupons (code_key, id);

-- +goose Down
DROP INDEX coupons_code ON coupons;
