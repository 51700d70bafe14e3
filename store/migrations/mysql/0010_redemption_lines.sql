-- +goose Up
CREATE TABLE redemption_lines (
    redemption_id  VARCHAR(32) NOT NULL,
    coupon_id      VARCHAR(32) NOT NULL,
    line_id        VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    discount       BIGINT NOT NULL,
    platform_share BIGINT NOT NULL,
    merchant_share BIGINT NOT NULL,
    PRIMARY KEY (redemption_id, coupon_id, line_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE redemption_lines;
