-- +goose Up
CREATE TABLE reminder_runs (
    batch_id    VARCHAR(32) NOT NULL,
    day         VARCHAR(10) NOT NULL,
    seq         BIGINT NOT NULL,
    instant     DATETIME(6) NULL,
    days_before INT NOT NULL,
    after_until DATETIME(6) NULL,
    after_id    VARCHAR(32) NOT NULL,
    through     BOOLEAN NOT NULL,
    told        BIGINT NOT NULL,
    missed      BIGINT NOT NULL,
    wake        BOOLEAN NOT NULL,
    due_at      DATETIME(6) NOT NULL,
    done_at     DATETIME(6) NULL,
    created_at  DATETIME(6) NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (batch_id, day),
    KEY reminder_runs_due (done_at, due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE reminder_runs;
