-- +goose Up
ALTER TABLE redemption_lines
    ADD COLUMN target VARCHAR(8) NOT NULL DEFAULT 'line' AFTER coupon_id,
    DROP PRIMARY KEY,
    ADD PRIMARY KEY (redemption_id, coupon_id, target, line_id);

-- +goose Down
-- A delivery may have the id of a line: its name keeps them apart, and the sums stay what they are.
UPDATE redemption_lines SET line_id = LEFT(CONCAT(target, ':', line_id), 100) WHERE target <> 'line' AND line_id NOT LIKE CONCAT(target, ':%');
ALTER TABLE redemption_lines
    DROP PRIMARY KEY,
    DROP COLUMN target,
    ADD PRIMARY KEY (redemption_id, coupon_id, line_id);
