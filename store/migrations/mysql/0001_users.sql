-- +goose Up
CREATE TABLE users (
    id         VARCHAR(32) NOT NULL,
    blocked    BOOLEAN NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE users;
