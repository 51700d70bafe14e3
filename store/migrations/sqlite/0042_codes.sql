-- +goose Up
CREATE TABLE codes (
    code_key    TEXT NOT NULL,
    batch_id    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    display     TEXT NOT NULL,
    label       TEXT NOT NULL,
    max_uses    INTEGER NULL,
    uses        INTEGER NOT NULL,
    active      INTEGER NOT NULL,
    valid_from  TEXT NULL,
    valid_until TEXT NULL,
    seq         INTEGER NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (code_key)
) STRICT;
CREATE INDEX codes_batch ON codes (batch_id, code_key);

-- +goose Down
DROP TABLE codes;
