-- +goose Up
CREATE TABLE users (
    id         TEXT NOT NULL,
    blocked    INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;

-- +goose Down
DROP TABLE users;
