-- +goose Up
CREATE TABLE user_tags (
    user_id TEXT NOT NULL,
    tag     TEXT NOT NULL,
    PRIMARY KEY (user_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_tags_tag ON user_tags (tag, user_id);

-- +goose Down
DROP TABLE user_tags;
