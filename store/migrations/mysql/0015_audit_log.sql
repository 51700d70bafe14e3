-- +goose Up
CREATE TABLE audit_log (
    id      VARCHAR(32) NOT NULL,
    `at`    DATETIME(6) NOT NULL,
    actor   VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    action  VARCHAR(64) NOT NULL,
    subject VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason  VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    detail  JSON NULL,
    PRIMARY KEY (id),
    KEY audit_log_subject (subject, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE audit_log;
