-- +goose Up
CREATE TABLE batch_lives (
    batch_id VARCHAR(32) NOT NULL,
    due_at   DATETIME(6) NULL,
    wake     BOOLEAN NOT NULL,
    seq      BIGINT NOT NULL,
    PRIMARY KEY (batch_id),
    KEY batch_lives_due (due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

INSERT INTO batch_lives SELECT batch_id, UTC_TIMESTAMP(6), FALSE, 1 FROM batch_counters WHERE state <> 'DRAFT';

-- +goose Down
DROP TABLE batch_lives;
