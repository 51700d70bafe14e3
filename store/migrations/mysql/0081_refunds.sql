-- +goose Up
CREATE TABLE refunds (
    id            VARCHAR(32) NOT NULL,
    redemption_id VARCHAR(32) NOT NULL,
    caller        VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    idem_key      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    fingerprint   VARCHAR(51) NOT NULL,
    state         VARCHAR(12) NOT NULL,
    seq           BIGINT NOT NULL,
    reason        VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    currency      VARCHAR(3) NOT NULL,
    amount        BIGINT NOT NULL,
    discount      BIGINT NOT NULL,
    coupons       JSON NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    updated_at    DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY refunds_idem (caller, idem_key),
    KEY refunds_redemption (redemption_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE refunds;
