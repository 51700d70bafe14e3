-- +goose Up
-- With the id, coupons that end at one instant can be paged through. InnoDB keeps it there anyway: it takes no more room.
ALTER TABLE coupons DROP KEY coupons_expiry, ADD KEY coupons_expiry (batch_id, state, valid_until, id);

-- +goose Down
ALTER TABLE coupons DROP KEY coupons_expiry, ADD KEY coupons_expiry (batch_id, state, valid_until);
