-- +goose Up
CREATE TABLE redemption_lines_new (
    redemption_id  TEXT NOT NULL,
    coupon_id      TEXT NOT NULL,
    target         TEXT NOT NULL DEFAULT 'line',
    line_id        TEXT NOT NULL,
    discount       INTEGER NOT NULL,
    platform_share INTEGER NOT NULL,
    merchant_share INTEGER NOT NULL,
    PRIMARY KEY (redemption_id, coupon_id, target, line_id)
) STRICT;
INSERT INTO redemption_lines_new (redemption_id, coupon_id, line_id, discount, platform_share, merchant_share)
    SELECT redemption_id, coupon_id, line_id, discount, platform_share, merchant_share FROM redemption_lines;
DROP TABLE redemption_lines;
ALTER TABLE redemption_lines_new RENAME TO redemption_lines;

-- +goose Down
-- A delivery may have the id of a line: its name keeps them apart, and the sums stay what they are.
UPDATE redemption_lines SET line_id = target || ':' || line_id WHERE target <> 'line';
CREATE TABLE redemption_lines_new (
    redemption_id  TEXT NOT NULL,
    coupon_id      TEXT NOT NULL,
    line_id        TEXT NOT NULL,
    discount       INTEGER NOT NULL,
    platform_share INTEGER NOT NULL,
    merchant_share INTEGER NOT NULL,
    PRIMARY KEY (redemption_id, coupon_id, line_id)
) STRICT;
INSERT INTO redemption_lines_new (redemption_id, coupon_id, line_id, discount, platform_share, merchant_share)
    SELECT redemption_id, coupon_id, line_id, discount, platform_share, merchant_share FROM redemption_lines;
DROP TABLE redemption_lines;
ALTER TABLE redemption_lines_new RENAME TO redemption_lines;
