-- +goose Up
CREATE TABLE template_bindings (
    merchant_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    template_id TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (merchant_id, kind)
) STRICT;

-- +goose Down
DROP TABLE template_bindings;
