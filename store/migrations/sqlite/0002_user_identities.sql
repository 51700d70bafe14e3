-- +goose Up
CREATE TABLE user_identities (
    kind       TEXT NOT NULL,
    `value`    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (kind, `value`)
) STRICT;
CREATE INDEX user_identities_user ON user_identities (user_id);

-- +goose Down
DROP TABLE user_identities;
