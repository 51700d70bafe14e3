-- +goose Up
CREATE TABLE rules (
    id          VARCHAR(32) NOT NULL,
    version     INT NOT NULL,
    merchant_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name        VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    content     JSON NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (id, version),
    KEY rules_merchant (merchant_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE rules;
