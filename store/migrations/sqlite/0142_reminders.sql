-- +goose Up
CREATE TABLE reminders (
    batch_id    TEXT NOT NULL,
    day         TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    days_before INTEGER NOT NULL,
    coupons     INTEGER NOT NULL,
    valid_until TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (batch_id, day, user_id)
) STRICT;

-- +goose Down
DROP TABLE reminders;
