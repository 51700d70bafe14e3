-- +goose Up
CREATE TABLE payment_attempts (
    provider      VARCHAR(32) NOT NULL,
    reference     VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    redemption_id VARCHAR(32) NOT NULL,
    attempt       INT NOT NULL,
    state         VARCHAR(12) NOT NULL,
    seq           BIGINT NOT NULL,
    stray         BOOLEAN NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    updated_at    DATETIME(6) NOT NULL,
    PRIMARY KEY (provider, reference),
    KEY payment_attempts_redemption (redemption_id, stray)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE payment_attempts;
