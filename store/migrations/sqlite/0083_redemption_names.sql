-- +goose Up
CREATE TABLE redemption_names (
    caller        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    value         TEXT NOT NULL,
    redemption_id TEXT NOT NULL,
    PRIMARY KEY (caller, kind, value)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE redemption_names;
