-- +goose Up
CREATE TABLE bank_keys (
    idem_key    TEXT NOT NULL,
    operation   TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    reference   TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    answer      TEXT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (idem_key)
) STRICT;

-- +goose Down
DROP TABLE bank_keys;
