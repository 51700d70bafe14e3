-- +goose Up
CREATE TABLE distribution_members (
    distribution_id VARCHAR(32) NOT NULL,
    pos             BIGINT NOT NULL,
    user_id         VARCHAR(32) NULL,
    PRIMARY KEY (distribution_id, pos)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE distribution_members;
