-- +goose Up
CREATE TABLE batch_counters (
    batch_id        VARCHAR(32) NOT NULL,
    state           VARCHAR(8) NOT NULL,
    paused          INT NOT NULL,
    config_version  BIGINT NOT NULL,
    quantity        BIGINT NULL,
    remaining       BIGINT NOT NULL,
    issued          BIGINT NOT NULL,
    reserved_count  BIGINT NOT NULL,
    reserved_amount BIGINT NOT NULL,
    used_count      BIGINT NOT NULL,
    used_amount     BIGINT NOT NULL,
    refunded_amount BIGINT NOT NULL,
    ledger_seq      BIGINT NOT NULL,
    PRIMARY KEY (batch_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE batch_counters;
