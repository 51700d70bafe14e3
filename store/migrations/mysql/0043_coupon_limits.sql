-- +goose Up
CREATE TABLE coupon_limits (
    batch_id  VARCHAR(32) NOT NULL,
    key_kind  VARCHAR(8) NOT NULL,
    key_hash  VARCHAR(51) NOT NULL,
    ordinal   INT NOT NULL,
    coupon_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (batch_id, key_kind, key_hash, ordinal),
    KEY coupon_limits_coupon (coupon_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE coupon_limits;
