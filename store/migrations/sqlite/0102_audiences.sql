-- +goose Up
CREATE TABLE audiences (
    id          TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    expression  TEXT NOT NULL,
    size        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE UNIQUE INDEX audiences_name ON audiences (merchant_id, name);
CREATE INDEX audiences_merchant ON audiences (merchant_id, id);

-- +goose Down
DROP TABLE audiences;
