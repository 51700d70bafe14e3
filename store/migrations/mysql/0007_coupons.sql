-- +goose Up
CREATE TABLE coupons (
    id            VARCHAR(32) NOT NULL,
    batch_id      VARCHAR(32) NOT NULL,
    rule_id       VARCHAR(32) NOT NULL,
    rule_version  INT NOT NULL,
    user_id       VARCHAR(32) NOT NULL,
    ordinal       INT NOT NULL,
    state         VARCHAR(12) NOT NULL,
    seq           BIGINT NOT NULL,
    face_value    BIGINT NOT NULL,
    valid_from    DATETIME(6) NOT NULL,
    valid_until   DATETIME(6) NOT NULL,
    redemption_id VARCHAR(32) NULL,
    source        VARCHAR(16) NOT NULL,
    source_key    VARCHAR(51) NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY coupons_ordinal (batch_id, user_id, ordinal),
    UNIQUE KEY coupons_source (source_key),
    KEY coupons_wallet (user_id, state, valid_until),
    KEY coupons_expiry (batch_id, state, valid_until)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE coupons;
