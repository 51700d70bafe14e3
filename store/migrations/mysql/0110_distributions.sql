-- +goose Up
CREATE TABLE distributions (
    id              VARCHAR(32) NOT NULL,
    merchant_id     VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    batch_id        VARCHAR(32) NOT NULL,
    audience_id     VARCHAR(32) NULL,
    caller          VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    idem_key        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    fingerprint     VARCHAR(51) NOT NULL,
    state           VARCHAR(16) NOT NULL,
    dry_run         BOOLEAN NOT NULL,
    per_second      BIGINT NOT NULL,
    template_id     VARCHAR(32) NULL,
    start_at        DATETIME(6) NULL,
    size            BIGINT NOT NULL,
    complete        BOOLEAN NOT NULL,
    audience_cursor VARCHAR(64) NOT NULL,
    next            BIGINT NOT NULL,
    issued          BIGINT NOT NULL,
    skipped         BIGINT NOT NULL,
    failed          BIGINT NOT NULL,
    skipped_by      JSON NOT NULL,
    seq             BIGINT NOT NULL,
    due_at          DATETIME(6) NULL,
    wake            BOOLEAN NOT NULL,
    created_at      DATETIME(6) NOT NULL,
    started_at      DATETIME(6) NULL,
    ended_at        DATETIME(6) NULL,
    updated_at      DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY distributions_idem (caller, idem_key),
    KEY distributions_merchant (merchant_id, id),
    KEY distributions_batch (batch_id, id),
    KEY distributions_due (due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE distributions;
