-- +goose Up
CREATE TABLE user_tags (
    user_id VARCHAR(32) NOT NULL,
    tag     VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (user_id, tag),
    KEY user_tags_tag (tag, user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE user_tags;
