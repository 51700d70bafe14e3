-- +goose Up
CREATE TABLE bank_refunds (
    reference  TEXT NOT NULL,
    payment    TEXT NOT NULL,
    our_id     TEXT NOT NULL,
    state      TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    failure    TEXT NOT NULL,
    next_state TEXT NOT NULL,
    settle_at  TEXT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (reference),
    CONSTRAINT bank_refunds_amount CHECK (0 < amount)
) STRICT;
CREATE INDEX bank_refunds_payment ON bank_refunds (payment, created_at, reference);

-- +goose Down
DROP TABLE bank_refunds;
