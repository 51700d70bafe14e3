-- +goose Up
CREATE TABLE audit_runs (
    id       TEXT NOT NULL,
    mode     TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    report   TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX audit_runs_mode ON audit_runs (mode, ended_at);

-- +goose Down
DROP INDEX audit_runs_mode;
DROP TABLE audit_runs;
