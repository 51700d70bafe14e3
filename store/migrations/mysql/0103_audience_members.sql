-- +goose Up
CREATE TABLE audience_members (
    audience_id VARCHAR(32) NOT NULL,
    pos         BIGINT NOT NULL,
    user_id     VARCHAR(32) NULL,
    PRIMARY KEY (audience_id, pos),
    UNIQUE KEY audience_members_user (audience_id, user_id),
    KEY audience_members_of (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE audience_members;
