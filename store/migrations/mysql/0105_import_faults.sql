-- +goose Up
CREATE TABLE import_faults (
    import_id   VARCHAR(32) NOT NULL,
    file_row    BIGINT NOT NULL,
    code        VARCHAR(64) NOT NULL,
    column_name VARCHAR(64) NOT NULL,
    message     VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (import_id, file_row)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE import_faults;
