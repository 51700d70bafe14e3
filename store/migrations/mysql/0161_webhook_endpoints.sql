-- +goose Up
CREATE TABLE webhook_endpoints (
    id              VARCHAR(32) NOT NULL,
    merchant_id     VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    url             VARCHAR(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    description     VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    events          JSON NOT NULL,
    state           VARCHAR(8) NOT NULL,
    reason          VARCHAR(16) NOT NULL,
    seq             BIGINT NOT NULL,
    secret          VARCHAR(100) NOT NULL,
    previous_secret VARCHAR(100) NOT NULL,
    previous_until  DATETIME(6) NULL,
    failures        INT NOT NULL,
    failing_since   DATETIME(6) NULL,
    retry_at        DATETIME(6) NULL,
    replay_since    DATETIME(6) NULL,
    replay_after    VARCHAR(32) NOT NULL,
    replay_until    VARCHAR(32) NOT NULL,
    created_at      DATETIME(6) NOT NULL,
    updated_at      DATETIME(6) NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE webhook_endpoints;
