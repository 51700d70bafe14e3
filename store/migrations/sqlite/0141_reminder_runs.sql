-- +goose Up
CREATE TABLE reminder_runs (
    batch_id    TEXT NOT NULL,
    day         TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    instant     TEXT NULL,
    days_before INTEGER NOT NULL,
    after_until TEXT NULL,
    after_id    TEXT NOT NULL,
    through     INTEGER NOT NULL,
    told        INTEGER NOT NULL,
    missed      INTEGER NOT NULL,
    wake        INTEGER NOT NULL,
    due_at      TEXT NOT NULL,
    done_at     TEXT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (batch_id, day)
) STRICT;
CREATE INDEX reminder_runs_due ON reminder_runs (done_at, due_at);

-- +goose Down
DROP TABLE reminder_runs;
