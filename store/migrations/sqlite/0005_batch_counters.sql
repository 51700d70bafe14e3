-- +goose Up
CREATE TABLE batch_counters (
    batch_id        TEXT NOT NULL,
    state           TEXT NOT NULL,
    paused          INTEGER NOT NULL,
    config_version  INTEGER NOT NULL,
    quantity        INTEGER NULL,
    remaining       INTEGER NOT NULL,
    issued          INTEGER NOT NULL,
    reserved_count  INTEGER NOT NULL,
    reserved_amount INTEGER NOT NULL,
    used_count      INTEGER NOT NULL,
    used_amount     INTEGER NOT NULL,
    refunded_amount INTEGER NOT NULL,
    ledger_seq      INTEGER NOT NULL,
    PRIMARY KEY (batch_id)
) STRICT;

-- +goose Down
DROP TABLE batch_counters;
