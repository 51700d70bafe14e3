-- +goose Up
CREATE TABLE payments (
    id            TEXT NOT NULL,
    redemption_id TEXT NOT NULL,
    provider      TEXT NOT NULL,
    state         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    method        TEXT NOT NULL,
    reference     TEXT NULL,
    currency      TEXT NOT NULL,
    amount        INTEGER NOT NULL,
    refusal       TEXT NULL,
    sent_at       TEXT NULL,
    callback_at   TEXT NULL,
    stray         INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (redemption_id),
    UNIQUE (provider, reference)
) STRICT;
CREATE INDEX payments_stray ON payments (stray, id);

-- +goose Down
DROP TABLE payments;
