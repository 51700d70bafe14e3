-- +goose Up
CREATE TABLE rules (
    id          TEXT NOT NULL,
    version     INTEGER NOT NULL,
    merchant_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;
CREATE INDEX rules_merchant ON rules (merchant_id, id);

-- +goose Down
DROP TABLE rules;
