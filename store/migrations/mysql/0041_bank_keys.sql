-- +goose Up
CREATE TABLE bank_keys (
    idem_key    VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    operation   VARCHAR(16) NOT NULL,
    fingerprint VARCHAR(51) NOT NULL,
    reference   VARCHAR(32) NOT NULL,
    seq         BIGINT NOT NULL,
    answer      JSON NULL,
    created_at  DATETIME(6) NOT NULL,
    updated_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (idem_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE bank_keys;
