-- +goose Up
CREATE TABLE ledger_entries (
    batch_id      VARCHAR(32) NOT NULL,
    batch_seq     BIGINT NOT NULL,
    coupon_id     VARCHAR(32) NULL,
    coupon_seq    BIGINT NULL,
    user_id       VARCHAR(32) NULL,
    kind          VARCHAR(12) NOT NULL,
    `count`       BIGINT NOT NULL,
    amount        BIGINT NOT NULL,
    `day`         VARCHAR(10) NOT NULL,
    redemption_id VARCHAR(32) NULL,
    refund_id     VARCHAR(32) NULL,
    `at`          DATETIME(6) NOT NULL,
    PRIMARY KEY (batch_id, batch_seq),
    UNIQUE KEY ledger_coupon (coupon_id, coupon_seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE ledger_entries;
