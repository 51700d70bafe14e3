-- +goose Up
CREATE TABLE messages (
    id               TEXT NOT NULL,
    merchant_id      TEXT NOT NULL,
    user_id          TEXT NOT NULL,
    batch_id         TEXT NOT NULL,
    template_id      TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    channel          TEXT NOT NULL,
    kind             TEXT NOT NULL,
    dedupe_key       TEXT NOT NULL,
    params           TEXT NOT NULL,
    state            TEXT NOT NULL,
    outcome          TEXT NOT NULL,
    attempts         INTEGER NOT NULL,
    due_at           TEXT NOT NULL,
    send_until       TEXT NULL,
    sent_at          TEXT NULL,
    read_at          TEXT NULL,
    seq              INTEGER NOT NULL,
    created_at       TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE UNIQUE INDEX messages_once ON messages (dedupe_key, channel);
CREATE INDEX messages_due ON messages (state, channel, due_at);
CREATE INDEX messages_user ON messages (user_id, channel, id);

-- +goose Down
DROP TABLE messages;
