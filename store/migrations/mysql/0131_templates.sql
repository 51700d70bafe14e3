-- +goose Up
CREATE TABLE templates (
    id          VARCHAR(32) NOT NULL,
    version     INT NOT NULL,
    merchant_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name        VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind        VARCHAR(12) NOT NULL,
    channels    JSON NOT NULL,
    locale      VARCHAR(35) NOT NULL,
    texts       JSON NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (id, version),
    KEY templates_merchant (merchant_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE templates;
