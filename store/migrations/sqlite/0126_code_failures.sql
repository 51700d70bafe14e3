-- +goose Up
CREATE TABLE code_failures (
    since    TEXT NOT NULL,
    subject  TEXT NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (since, subject)
) STRICT;
CREATE INDEX code_failures_many ON code_failures (since, failures);

-- +goose Down
DROP TABLE code_failures;
