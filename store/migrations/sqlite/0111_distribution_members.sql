-- +goose Up
CREATE TABLE distribution_members (
    distribution_id TEXT NOT NULL,
    pos             INTEGER NOT NULL,
    user_id         TEXT NULL,
    PRIMARY KEY (distribution_id, pos)
) STRICT;

-- +goose Down
DROP TABLE distribution_members;
