-- +goose Up
CREATE TABLE events (
    id          VARCHAR(32) NOT NULL,
    type        VARCHAR(64) NOT NULL,
    `at`        DATETIME(6) NOT NULL,
    merchant_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    subject     VARCHAR(32) NOT NULL,
    subject_seq BIGINT NOT NULL,
    data        JSON NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE events;
