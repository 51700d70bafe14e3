-- +goose Up
CREATE TABLE audience_remains (
    audience_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (audience_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE audience_remains;
