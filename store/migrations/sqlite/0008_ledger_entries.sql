-- +goose Up
CREATE TABLE ledger_entries (
    batch_id      TEXT NOT NULL,
    batch_seq     INTEGER NOT NULL,
    coupon_id     TEXT NULL,
    coupon_seq    INTEGER NULL,
    user_id       TEXT NULL,
    kind          TEXT NOT NULL,
    `count`       INTEGER NOT NULL,
    amount        INTEGER NOT NULL,
    `day`         TEXT NOT NULL,
    redemption_id TEXT NULL,
    refund_id     TEXT NULL,
    `at`          TEXT NOT NULL,
    PRIMARY KEY (batch_id, batch_seq),
    UNIQUE (coupon_id, coupon_seq)
) STRICT;

-- +goose Down
DROP TABLE ledger_entries;
