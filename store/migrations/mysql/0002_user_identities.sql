-- +goose Up
CREATE TABLE user_identities (
    kind       VARCHAR(16) NOT NULL,
    `value`    VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id    VARCHAR(32) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (kind, `value`),
    KEY user_identities_user (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE user_identities;
