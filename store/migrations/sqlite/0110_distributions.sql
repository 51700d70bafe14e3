-- +goose Up
CREATE TABLE distributions (
    id              TEXT NOT NULL,
    merchant_id     TEXT NOT NULL,
    batch_id        TEXT NOT NULL,
    audience_id     TEXT NULL,
    caller          TEXT NOT NULL,
    idem_key        TEXT NULL,
    fingerprint     TEXT NOT NULL,
    state           TEXT NOT NULL,
    dry_run         INTEGER NOT NULL,
    per_second      INTEGER NOT NULL,
    template_id     TEXT NULL,
    start_at        TEXT NULL,
    size            INTEGER NOT NULL,
    complete        INTEGER NOT NULL,
    audience_cursor TEXT NOT NULL,
    next            INTEGER NOT NULL,
    issued          INTEGER NOT NULL,
    skipped         INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    skipped_by      TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    due_at          TEXT NULL,
    wake            INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    started_at      TEXT NULL,
    ended_at        TEXT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (caller, idem_key)
) STRICT;
CREATE INDEX distributions_merchant ON distributions (merchant_id, id);
CREATE INDEX distributions_batch ON distributions (batch_id, id);
CREATE INDEX distributions_due ON distributions (due_at);

-- +goose Down
DROP TABLE distributions;
