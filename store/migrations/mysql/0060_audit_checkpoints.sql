-- +goose Up
CREATE TABLE audit_checkpoints (
    batch_id        VARCHAR(32) NOT NULL,
    ledger_seq      BIGINT NOT NULL,
    prior_seq       BIGINT NOT NULL,
    stocked         BIGINT NOT NULL,
    issued          BIGINT NOT NULL,
    face_amount     BIGINT NOT NULL,
    reserved_count  BIGINT NOT NULL,
    reserved_amount BIGINT NOT NULL,
    used_count      BIGINT NOT NULL,
    used_amount     BIGINT NOT NULL,
    refunded_amount BIGINT NOT NULL,
    `at`            DATETIME(6) NOT NULL,
    PRIMARY KEY (batch_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE audit_checkpoints;
