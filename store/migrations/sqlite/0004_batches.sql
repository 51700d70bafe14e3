-- +goose Up
CREATE TABLE batches (
    id              TEXT NOT NULL,
    merchant_id     TEXT NOT NULL,
    rule_id         TEXT NOT NULL,
    rule_version    INTEGER NOT NULL,
    name            TEXT NOT NULL,
    claim_mode      TEXT NOT NULL,
    currency        TEXT NOT NULL,
    time_zone       TEXT NOT NULL,
    claim_from      TEXT NULL,
    claim_until     TEXT NULL,
    valid_from      TEXT NULL,
    valid_until     TEXT NULL,
    valid_seconds   INTEGER NOT NULL,
    claims_per_user INTEGER NOT NULL,
    caps            TEXT NOT NULL,
    config_version  INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX batches_merchant ON batches (merchant_id, id);

-- +goose Down
DROP TABLE batches;
