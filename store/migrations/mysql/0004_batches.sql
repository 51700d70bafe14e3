-- +goose Up
CREATE TABLE batches (
    id              VARCHAR(32) NOT NULL,
    merchant_id     VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    rule_id         VARCHAR(32) NOT NULL,
    rule_version    INT NOT NULL,
    name            VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    claim_mode      VARCHAR(8) NOT NULL,
    currency        VARCHAR(3) NOT NULL,
    time_zone       VARCHAR(64) NOT NULL,
    claim_from      DATETIME(6) NULL,
    claim_until     DATETIME(6) NULL,
    valid_from      DATETIME(6) NULL,
    valid_until     DATETIME(6) NULL,
    valid_seconds   BIGINT NOT NULL,
    claims_per_user INT NOT NULL,
    caps            JSON NOT NULL,
    config_version  BIGINT NOT NULL,
    created_at      DATETIME(6) NOT NULL,
    updated_at      DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    KEY batches_merchant (merchant_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE batches;
