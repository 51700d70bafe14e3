-- +goose Up
CREATE TABLE product_tags (
    batch_id VARCHAR(32) NOT NULL,
    kind     VARCHAR(8) NOT NULL,
    value    VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    live     BOOLEAN NOT NULL,
    PRIMARY KEY (batch_id, kind, value),
    KEY product_tags_value (kind, value, live)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE product_tags;
