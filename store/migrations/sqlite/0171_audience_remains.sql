-- +goose Up
CREATE TABLE audience_remains (
    audience_id TEXT NOT NULL,
    PRIMARY KEY (audience_id)
) STRICT;

-- +goose Down
-- Members without an audience would be found by nobody.
DELETE FROM audience_members WHERE audience_id IN (SELECT audience_id FROM audience_remains);
DROP TABLE audience_remains;
