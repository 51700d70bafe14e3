-- +goose Up
-- Whether anybody has more than a limit that is to be lowered must be seen at once: the batch's counter is locked meanwhile.
CREATE INDEX coupon_limits_ordinal ON coupon_limits (batch_id, ordinal);

-- +goose Down
DROP INDEX coupon_limits_ordinal ON coupon_limits;
