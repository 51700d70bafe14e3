-- +goose Up
CREATE TABLE user_counters (
    batch_id        TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    `day`           TEXT NOT NULL,
    reserved_count  INTEGER NOT NULL,
    reserved_amount INTEGER NOT NULL,
    used_count      INTEGER NOT NULL,
    used_amount     INTEGER NOT NULL,
    refunded_amount INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (batch_id, user_id, `day`)
) STRICT;

-- +goose Down
DROP TABLE user_counters;
