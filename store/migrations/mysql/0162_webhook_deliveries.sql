-- +goose Up
CREATE TABLE webhook_deliveries (
    endpoint_id VARCHAR(32) NOT NULL,
    event_id    VARCHAR(32) NOT NULL,
    type        VARCHAR(64) NOT NULL,
    subject     VARCHAR(32) NOT NULL,
    subject_seq BIGINT NOT NULL,
    state       VARCHAR(10) NOT NULL,
    seq         BIGINT NOT NULL,
    attempts    INT NOT NULL,
    due_at      DATETIME(6) NULL,
    tried_at    DATETIME(6) NULL,
    status      INT NOT NULL,
    duration_ms BIGINT NOT NULL,
    failure     VARCHAR(32) NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    ended_at    DATETIME(6) NULL,
    PRIMARY KEY (endpoint_id, event_id),
    KEY webhook_deliveries_due (endpoint_id, due_at),
    KEY webhook_deliveries_subject (endpoint_id, subject, subject_seq, event_id),
    KEY webhook_deliveries_state (endpoint_id, state, event_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE webhook_deliveries;
