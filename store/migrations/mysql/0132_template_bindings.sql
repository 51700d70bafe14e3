-- +goose Up
CREATE TABLE template_bindings (
    merchant_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind        VARCHAR(12) NOT NULL,
    template_id VARCHAR(32) NOT NULL,
    seq         BIGINT NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (merchant_id, kind)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE template_bindings;
