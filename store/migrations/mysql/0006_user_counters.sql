-- +goose Up
CREATE TABLE user_counters (
    batch_id        VARCHAR(32) NOT NULL,
    user_id         VARCHAR(32) NOT NULL,
    `day`           VARCHAR(10) NOT NULL,
    reserved_count  BIGINT NOT NULL,
    reserved_amount BIGINT NOT NULL,
    used_count      BIGINT NOT NULL,
    used_amount     BIGINT NOT NULL,
    refunded_amount BIGINT NOT NULL,
    seq             BIGINT NOT NULL,
    PRIMARY KEY (batch_id, user_id, `day`)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE user_counters;
