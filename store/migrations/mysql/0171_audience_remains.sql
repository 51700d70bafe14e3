-- +goose Up
CREATE TABLE audience_remains (
    audience_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (audience_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
-- Members without an audience would be found by nobody.
DELETE FROM audience_members WHERE audience_id IN (SELECT audience_id FROM audience_remains);
DROP TABLE audience_remains;
