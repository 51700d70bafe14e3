-- +goose Up
-- With the id, coupons that end at one instant can be paged through.
DROP INDEX coupons_expiry;
CREATE INDEX coupons_expiry ON coupons (batch_id, state, valid_until, id);

-- +goose Down
DROP INDEX coupons_expiry;
CREATE INDEX coupons_expiry ON coupons (batch_id, state, valid_until);
