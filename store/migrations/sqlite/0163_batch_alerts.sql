-- +goose Up
CREATE TABLE batch_alerts (
    batch_id TEXT NOT NULL,
    budget   TEXT NOT NULL,
    bound    INTEGER NOT NULL,
    level    INTEGER NOT NULL,
    PRIMARY KEY (batch_id, budget, bound, level)
) STRICT;

-- +goose Down
DROP TABLE batch_alerts;
