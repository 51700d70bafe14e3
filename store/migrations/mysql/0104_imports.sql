-- +goose Up
CREATE TABLE imports (
    id          VARCHAR(32) NOT NULL,
    merchant_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind        VARCHAR(12) NOT NULL,
    target      VARCHAR(32) NOT NULL,
    options     JSON NOT NULL,
    columns     JSON NOT NULL,
    state       VARCHAR(12) NOT NULL,
    next_row    BIGINT NOT NULL,
    digest      VARCHAR(64) NOT NULL,
    applied     BIGINT NOT NULL,
    faults      BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    actor       VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    ended_at    DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY imports_merchant (merchant_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE imports;
