-- +goose Up
CREATE TABLE audience_remains (
    audience_id TEXT NOT NULL,
    PRIMARY KEY (audience_id)
) STRICT;

-- +goose Down
DROP TABLE audience_remains;
