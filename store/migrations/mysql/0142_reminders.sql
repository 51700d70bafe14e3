-- +goose Up
CREATE TABLE reminders (
    batch_id    VARCHAR(32) NOT NULL,
    day         VARCHAR(10) NOT NULL,
    user_id     VARCHAR(32) NOT NULL,
    days_before INT NOT NULL,
    coupons     INT NOT NULL,
    valid_until DATETIME(6) NOT NULL,
    at          DATETIME(6) NOT NULL,
    PRIMARY KEY (batch_id, day, user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE reminders;
