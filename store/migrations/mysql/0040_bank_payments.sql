-- +goose Up
CREATE TABLE bank_payments (
    reference  VARCHAR(32) NOT NULL,
    our_id     VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    method     VARCHAR(64) NOT NULL,
    state      VARCHAR(12) NOT NULL,
    seq        BIGINT NOT NULL,
    currency   VARCHAR(3) NOT NULL,
    amount     BIGINT NOT NULL,
    captured   BIGINT NOT NULL,
    refunded   BIGINT NOT NULL,
    troubles   INT NOT NULL,
    lands_at   DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (reference),
    KEY bank_payments_our (our_id, created_at, reference),
    CONSTRAINT bank_payments_money CHECK (0 <= refunded AND refunded <= captured AND captured <= amount)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE bank_payments;
