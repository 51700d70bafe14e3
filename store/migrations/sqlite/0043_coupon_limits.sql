-- +goose Up
CREATE TABLE coupon_limits (
    batch_id  TEXT NOT NULL,
    key_kind  TEXT NOT NULL,
    key_hash  TEXT NOT NULL,
    ordinal   INTEGER NOT NULL,
    coupon_id TEXT NOT NULL,
    PRIMARY KEY (batch_id, key_kind, key_hash, ordinal)
) STRICT;
CREATE INDEX coupon_limits_coupon ON coupon_limits (coupon_id);

-- +goose Down
DROP TABLE coupon_limits;
