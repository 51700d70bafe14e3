-- +goose Up
CREATE TABLE orders (
    id            VARCHAR(32) NOT NULL,
    redemption_id VARCHAR(32) NOT NULL,
    caller        VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    order_id      VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    merchant_id   VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state         VARCHAR(12) NOT NULL,
    seq           BIGINT NOT NULL,
    currency      VARCHAR(3) NOT NULL,
    total         BIGINT NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    updated_at    DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY orders_redemption (redemption_id),
    KEY orders_caller (caller, order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE orders;
