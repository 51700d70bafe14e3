-- +goose Up
CREATE TABLE audit_checkpoints (
    batch_id        TEXT NOT NULL,
    ledger_seq      INTEGER NOT NULL,
    prior_seq       INTEGER NOT NULL,
    stocked         INTEGER NOT NULL,
    issued          INTEGER NOT NULL,
    face_amount     INTEGER NOT NULL,
    reserved_count  INTEGER NOT NULL,
    reserved_amount INTEGER NOT NULL,
    used_count      INTEGER NOT NULL,
    used_amount     INTEGER NOT NULL,
    refunded_amount INTEGER NOT NULL,
    `at`            TEXT NOT NULL,
    PRIMARY KEY (batch_id)
) STRICT;

-- +goose Down
DROP TABLE audit_checkpoints;
