-- +goose Up
CREATE TABLE redemptions (
    id             TEXT NOT NULL,
    caller         TEXT NOT NULL,
    merchant_id    TEXT NOT NULL,
    kind           TEXT NOT NULL,
    state          TEXT NOT NULL,
    seq            INTEGER NOT NULL,
    idem_key       TEXT NULL,
    fingerprint    TEXT NOT NULL,
    order_id       TEXT NULL,
    live_order_key TEXT NULL,
    user_id        TEXT NOT NULL,
    currency       TEXT NOT NULL,
    goods          INTEGER NOT NULL,
    shipping       INTEGER NOT NULL,
    discount       INTEGER NOT NULL,
    payable        INTEGER NOT NULL,
    content        TEXT NOT NULL,
    deadline       TEXT NOT NULL,
    due_at         TEXT NULL,
    wake           INTEGER NOT NULL,
    outcome        TEXT NULL,
    outcome_info   TEXT NULL,
    stuck          INTEGER NOT NULL,
    stuck_reason   TEXT NULL,
    stuck_since    TEXT NULL,
    resolution     TEXT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (caller, idem_key),
    UNIQUE (live_order_key)
) STRICT;
CREATE INDEX redemptions_order ON redemptions (order_id, id);
CREATE INDEX redemptions_merchant ON redemptions (merchant_id, id);
CREATE INDEX redemptions_due ON redemptions (due_at);
CREATE INDEX redemptions_stuck ON redemptions (stuck, id);

-- +goose Down
DROP TABLE redemptions;
