-- +goose Up
CREATE TABLE codes (
    code_key    VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    batch_id    VARCHAR(32) NOT NULL,
    kind        VARCHAR(8) NOT NULL,
    display     VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    label       VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    max_uses    BIGINT NULL,
    uses        BIGINT NOT NULL,
    active      BOOLEAN NOT NULL,
    valid_from  DATETIME(6) NULL,
    valid_until DATETIME(6) NULL,
    seq         BIGINT NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (code_key),
    KEY codes_batch (batch_id, code_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE codes;
