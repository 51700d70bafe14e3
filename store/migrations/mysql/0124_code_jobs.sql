-- +goose Up
CREATE TABLE code_jobs (
    id          VARCHAR(32) NOT NULL,
    batch_id    VARCHAR(32) NOT NULL,
    state       VARCHAR(12) NOT NULL,
    refill      BOOLEAN NOT NULL,
    `count`     BIGINT NOT NULL,
    made        BIGINT NOT NULL,
    label       VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    max_uses    BIGINT NULL,
    valid_from  DATETIME(6) NULL,
    valid_until DATETIME(6) NULL,
    outcome     VARCHAR(40) NULL,
    caller      VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    idem_key    VARCHAR(255) NULL,
    due_at      DATETIME(6) NULL,
    seq         BIGINT NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY code_jobs_key (caller, idem_key),
    KEY code_jobs_batch (batch_id, id),
    KEY code_jobs_due (due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE code_jobs;
