-- +goose Up
CREATE TABLE imports (
    id          TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    target      TEXT NOT NULL,
    options     TEXT NOT NULL,
    columns     TEXT NOT NULL,
    state       TEXT NOT NULL,
    next_row    INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    applied     INTEGER NOT NULL,
    faults      INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    ended_at    TEXT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX imports_merchant ON imports (merchant_id, id);

-- +goose Down
DROP TABLE imports;
