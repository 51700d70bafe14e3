-- +goose Up
CREATE TABLE audience_members (
    audience_id TEXT NOT NULL,
    pos         INTEGER NOT NULL,
    user_id     TEXT NULL,
    PRIMARY KEY (audience_id, pos)
) STRICT;
CREATE UNIQUE INDEX audience_members_user ON audience_members (audience_id, user_id);
CREATE INDEX audience_members_of ON audience_members (user_id);

-- +goose Down
DROP TABLE audience_members;
