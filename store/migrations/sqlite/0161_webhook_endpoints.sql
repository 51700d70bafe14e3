-- +goose Up
CREATE TABLE webhook_endpoints (
    id              TEXT NOT NULL,
    merchant_id     TEXT NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    events          TEXT NOT NULL,
    state           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    secret          TEXT NOT NULL,
    previous_secret TEXT NOT NULL,
    previous_until  TEXT NULL,
    failures        INTEGER NOT NULL,
    failing_since   TEXT NULL,
    retry_at        TEXT NULL,
    replay_since    TEXT NULL,
    replay_after    TEXT NOT NULL,
    replay_until    TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;

-- +goose Down
DROP TABLE webhook_endpoints;
