-- +goose Up
CREATE TABLE product_tags (
    batch_id TEXT NOT NULL,
    kind     TEXT NOT NULL,
    value    TEXT NOT NULL,
    live     INTEGER NOT NULL,
    PRIMARY KEY (batch_id, kind, value)
) STRICT;
CREATE INDEX product_tags_value ON product_tags (kind, value, live);

-- +goose Down
DROP TABLE product_tags;
