-- +goose Up
CREATE TABLE refunds (
    id            TEXT NOT NULL,
    redemption_id TEXT NOT NULL,
    caller        TEXT NOT NULL,
    idem_key      TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    state         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    currency      TEXT NOT NULL,
    amount        INTEGER NOT NULL,
    discount      INTEGER NOT NULL,
    coupons       TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE UNIQUE INDEX refunds_idem ON refunds (caller, idem_key);
CREATE INDEX refunds_redemption ON refunds (redemption_id, id);

-- +goose Down
DROP TABLE refunds;
