-- +goose Up
CREATE TABLE bulk_changes (
    id         TEXT NOT NULL,
    batch_id   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    terms      TEXT NOT NULL,
    audit_id   TEXT NOT NULL,
    up_to      INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    skipped    TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    due_at     TEXT NULL,
    created_at TEXT NOT NULL,
    ended_at   TEXT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX bulk_changes_batch ON bulk_changes (batch_id, id);
CREATE INDEX bulk_changes_due ON bulk_changes (due_at);

-- +goose Down
DROP TABLE bulk_changes;
