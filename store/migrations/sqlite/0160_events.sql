-- +goose Up
CREATE TABLE events (
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    `at`        TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    subject     TEXT NOT NULL,
    subject_seq INTEGER NOT NULL,
    data        TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;

-- +goose Down
DROP TABLE events;
