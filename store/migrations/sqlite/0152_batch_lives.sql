-- +goose Up
CREATE TABLE batch_lives (
    batch_id TEXT NOT NULL,
    due_at   TEXT NULL,
    wake     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (batch_id)
) STRICT;
CREATE INDEX batch_lives_due ON batch_lives (due_at);

INSERT INTO batch_lives SELECT batch_id, strftime('%Y-%m-%d %H:%M:%f000', 'now'), 0, 1 FROM batch_counters WHERE state <> 'DRAFT';

-- +goose Down
DROP TABLE batch_lives;
