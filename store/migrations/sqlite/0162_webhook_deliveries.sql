-- +goose Up
CREATE TABLE webhook_deliveries (
    endpoint_id TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    type        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    subject_seq INTEGER NOT NULL,
    state       TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    due_at      TEXT NULL,
    tried_at    TEXT NULL,
    status      INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    failure     TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    ended_at    TEXT NULL,
    PRIMARY KEY (endpoint_id, event_id)
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at);
CREATE INDEX webhook_deliveries_subject ON webhook_deliveries (endpoint_id, subject, subject_seq, event_id);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (endpoint_id, state, event_id);

-- +goose Down
DROP TABLE webhook_deliveries;
