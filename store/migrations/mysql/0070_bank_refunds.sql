-- +goose Up
CREATE TABLE bank_refunds (
    reference  VARCHAR(32) NOT NULL,
    payment    VARCHAR(32) NOT NULL,
    our_id     VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state      VARCHAR(12) NOT NULL,
    seq        BIGINT NOT NULL,
    currency   VARCHAR(3) NOT NULL,
    amount     BIGINT NOT NULL,
    failure    VARCHAR(64) NOT NULL,
    next_state VARCHAR(12) NOT NULL,
    settle_at  DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (reference),
    KEY bank_refunds_payment (payment, created_at, reference),
    CONSTRAINT bank_refunds_amount CHECK (0 < amount)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE bank_refunds;
