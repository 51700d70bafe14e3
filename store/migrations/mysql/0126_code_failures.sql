-- +goose Up
CREATE TABLE code_failures (
    since    DATETIME(6) NOT NULL,
    subject  VARCHAR(60) NOT NULL,
    failures BIGINT NOT NULL,
    PRIMARY KEY (since, subject),
    KEY code_failures_many (since, failures)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE code_failures;
