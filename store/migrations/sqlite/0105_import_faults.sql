-- +goose Up
CREATE TABLE import_faults (
    import_id   TEXT NOT NULL,
    file_row    INTEGER NOT NULL,
    code        TEXT NOT NULL,
    column_name TEXT NOT NULL,
    message     TEXT NOT NULL,
    PRIMARY KEY (import_id, file_row)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE import_faults;
