-- +goose Up
CREATE TABLE batch_alerts (
    batch_id VARCHAR(32) NOT NULL,
    budget   VARCHAR(8) NOT NULL,
    bound    BIGINT NOT NULL,
    level    INT NOT NULL,
    PRIMARY KEY (batch_id, budget, bound, level)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE batch_alerts;
