-- +goose Up
CREATE TABLE redemption_lines (
    redemption_id  TEXT NOT NULL,
    coupon_id      TEXT NOT NULL,
    line_id        TEXT NOT NULL,
    discount       INTEGER NOT NULL,
    platform_share INTEGER NOT NULL,
    merchant_share INTEGER NOT NULL,
    PRIMARY KEY (redemption_id, coupon_id, line_id)
) STRICT;

-- +goose Down
DROP TABLE redemption_lines;
