-- +goose Up
CREATE TABLE audit_log (
    id      TEXT NOT NULL,
    `at`    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason  TEXT NOT NULL,
    detail  TEXT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX audit_log_subject ON audit_log (subject, id);

-- +goose Down
DROP TABLE audit_log;
