-- +goose Up
CREATE TABLE payment_attempts (
    provider      TEXT NOT NULL,
    reference     TEXT NOT NULL,
    redemption_id TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    state         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    stray         INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (provider, reference)
) STRICT;
CREATE INDEX payment_attempts_redemption ON payment_attempts (redemption_id, stray);

-- +goose Down
DROP TABLE payment_attempts;
