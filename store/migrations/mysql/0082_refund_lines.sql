-- +goose Up
CREATE TABLE refund_lines (
    refund_id      VARCHAR(32) NOT NULL,
    position       INT NOT NULL,
    kind           VARCHAR(12) NOT NULL,
    target         VARCHAR(8) NOT NULL,
    line_id        VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    coupon_id      VARCHAR(32) NOT NULL,
    quantity       BIGINT NOT NULL,
    amount         BIGINT NOT NULL,
    platform_share BIGINT NOT NULL,
    merchant_share BIGINT NOT NULL,
    PRIMARY KEY (refund_id, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE refund_lines;
