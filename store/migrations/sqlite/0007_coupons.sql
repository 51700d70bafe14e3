-- +goose Up
CREATE TABLE coupons (
    id            TEXT NOT NULL,
    batch_id      TEXT NOT NULL,
    rule_id       TEXT NOT NULL,
    rule_version  INTEGER NOT NULL,
    user_id       TEXT NOT NULL,
    ordinal       INTEGER NOT NULL,
    state         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    face_value    INTEGER NOT NULL,
    valid_from    TEXT NOT NULL,
    valid_until   TEXT NOT NULL,
    redemption_id TEXT NULL,
    source        TEXT NOT NULL,
    source_key    TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (batch_id, user_id, ordinal),
    UNIQUE (source_key)
) STRICT;
CREATE INDEX coupons_wallet ON coupons (user_id, state, valid_until);
CREATE INDEX coupons_expiry ON coupons (batch_id, state, valid_until);

-- +goose Down
DROP TABLE coupons;
