-- +goose Up
CREATE TABLE refund_lines (
    refund_id      TEXT NOT NULL,
    position       INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    target         TEXT NOT NULL,
    line_id        TEXT NOT NULL,
    coupon_id      TEXT NOT NULL,
    quantity       INTEGER NOT NULL,
    amount         INTEGER NOT NULL,
    platform_share INTEGER NOT NULL,
    merchant_share INTEGER NOT NULL,
    PRIMARY KEY (refund_id, position)
) STRICT;

-- +goose Down
DROP TABLE refund_lines;
