-- +goose Up
CREATE TABLE api_keys (
    id          TEXT NOT NULL,
    hash        TEXT NOT NULL,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    caller      TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    revoked_at  TEXT NULL,
    PRIMARY KEY (id),
    UNIQUE (hash)
) STRICT;

-- +goose Down
DROP TABLE api_keys;
