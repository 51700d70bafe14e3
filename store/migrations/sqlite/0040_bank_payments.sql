-- +goose Up
CREATE TABLE bank_payments (
    reference  TEXT NOT NULL,
    our_id     TEXT NOT NULL,
    method     TEXT NOT NULL,
    state      TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    captured   INTEGER NOT NULL,
    refunded   INTEGER NOT NULL,
    troubles   INTEGER NOT NULL,
    lands_at   TEXT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (reference),
    CONSTRAINT bank_payments_money CHECK (0 <= refunded AND refunded <= captured AND captured <= amount)
) STRICT;
CREATE INDEX bank_payments_our ON bank_payments (our_id, created_at, reference);

-- +goose Down
DROP TABLE bank_payments;
