-- +goose Up
CREATE TABLE code_jobs (
    id          TEXT NOT NULL,
    batch_id    TEXT NOT NULL,
    state       TEXT NOT NULL,
    refill      INTEGER NOT NULL,
    `count`     INTEGER NOT NULL,
    made        INTEGER NOT NULL,
    label       TEXT NOT NULL,
    max_uses    INTEGER NULL,
    valid_from  TEXT NULL,
    valid_until TEXT NULL,
    outcome     TEXT NULL,
    caller      TEXT NOT NULL,
    idem_key    TEXT NULL,
    due_at      TEXT NULL,
    seq         INTEGER NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (caller, idem_key)
) STRICT;
CREATE INDEX code_jobs_batch ON code_jobs (batch_id, id);
CREATE INDEX code_jobs_due ON code_jobs (due_at);

-- +goose Down
DROP TABLE code_jobs;
