-- +goose Up
CREATE TABLE audit_runs (
    id       VARCHAR(32) NOT NULL,
    mode     VARCHAR(12) NOT NULL,
    ended_at DATETIME(6) NOT NULL,
    report   JSON NOT NULL,
    PRIMARY KEY (id),
    KEY audit_runs_mode (mode, ended_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE audit_runs;
