-- +goose Up
CREATE TABLE templates (
    id          TEXT NOT NULL,
    version     INTEGER NOT NULL,
    merchant_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    channels    TEXT NOT NULL,
    locale      TEXT NOT NULL,
    texts       TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;
CREATE INDEX templates_merchant ON templates (merchant_id, id);

-- +goose Down
DROP TABLE templates;
