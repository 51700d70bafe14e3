-- +goose Up
CREATE TABLE payments (
    id            VARCHAR(32) NOT NULL,
    redemption_id VARCHAR(32) NOT NULL,
    provider      VARCHAR(32) NOT NULL,
    state         VARCHAR(12) NOT NULL,
    seq           BIGINT NOT NULL,
    attempt       INT NOT NULL,
    method        VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reference     VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    currency      VARCHAR(3) NOT NULL,
    amount        BIGINT NOT NULL,
    refusal       JSON NULL,
    sent_at       DATETIME(6) NULL,
    callback_at   DATETIME(6) NULL,
    stray         BOOLEAN NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    updated_at    DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY payments_redemption (redemption_id),
    UNIQUE KEY payments_reference (provider, reference),
    KEY payments_stray (stray, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE payments;
