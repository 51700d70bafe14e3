-- +goose Up
-- Processes of before don't know redemption_names: none of them may run any more.
CREATE TABLE redemptions_new (
    id             TEXT NOT NULL,
    caller         TEXT NOT NULL,
    merchant_id    TEXT NOT NULL,
    kind           TEXT NOT NULL,
    state          TEXT NOT NULL,
    seq            INTEGER NOT NULL,
    idem_key       TEXT NULL,
    fingerprint    TEXT NOT NULL,
    order_id       TEXT NULL,
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
    PRIMARY KEY (id)
) STRICT;
INSERT INTO redemptions_new (
    id, caller, merchant_id, kind, state, seq, idem_key, fingerprint, order_id, user_id, currency, goods,
    shipping, discount, payable, content, deadline, due_at, wake, outcome, outcome_info, stuck, stuck_reason,
    stuck_since, resolution, created_at, updated_at)
    SELECT
    id, caller, merchant_id, kind, state, seq, idem_key, fingerprint, order_id, user_id, currency, goods,
    shipping, discount, payable, content, deadline, due_at, wake, outcome, outcome_info, stuck, stuck_reason,
    stuck_since, resolution, created_at, updated_at FROM redemptions;
DROP TABLE redemptions;
ALTER TABLE redemptions_new RENAME TO redemptions;
CREATE INDEX redemptions_order ON redemptions (order_id, id);
CREATE INDEX redemptions_merchant ON redemptions (merchant_id, id);
CREATE INDEX redemptions_due ON redemptions (due_at);
CREATE INDEX redemptions_stuck ON redemptions (stuck, id);

-- +goose Down
-- The migration before fills live_order_key in.
CREATE TABLE redemptions_new (
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
INSERT INTO redemptions_new (
    id, caller, merchant_id, kind, state, seq, idem_key, fingerprint, order_id, user_id, currency, goods,
    shipping, discount, payable, content, deadline, due_at, wake, outcome, outcome_info, stuck, stuck_reason,
    stuck_since, resolution, created_at, updated_at)
    SELECT
    id, caller, merchant_id, kind, state, seq, idem_key, fingerprint, order_id, user_id, currency, goods,
    shipping, discount, payable, content, deadline, due_at, wake, outcome, outcome_info, stuck, stuck_reason,
    stuck_since, resolution, created_at, updated_at FROM redemptions;
DROP TABLE redemptions;
ALTER TABLE redemptions_new RENAME TO redemptions;
CREATE INDEX redemptions_order ON redemptions (order_id, id);
CREATE INDEX redemptions_merchant ON redemptions (merchant_id, id);
CREATE INDEX redemptions_due ON redemptions (due_at);
CREATE INDEX redemptions_stuck ON redemptions (stuck, id);
