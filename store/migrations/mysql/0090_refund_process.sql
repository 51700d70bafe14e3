-- +goose Up
ALTER TABLE refunds
    ADD COLUMN provider VARCHAR(32) NOT NULL DEFAULT '',
    ADD COLUMN attempt INT NOT NULL DEFAULT 0,
    ADD COLUMN reference VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    ADD COLUMN deadline DATETIME(6) NULL,
    ADD COLUMN sent_at DATETIME(6) NULL,
    ADD COLUMN booked_at DATETIME(6) NULL,
    ADD COLUMN outcome VARCHAR(64) NULL,
    ADD COLUMN approval JSON NULL,
    ADD COLUMN resolution JSON NULL,
    ADD COLUMN due_at DATETIME(6) NULL,
    ADD COLUMN wake BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN recheck BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN stuck BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN stuck_reason VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    ADD COLUMN stuck_since DATETIME(6) NULL,
    ADD KEY refunds_reference (provider, reference),
    ADD KEY refunds_due (due_at),
    ADD KEY refunds_state (state, id),
    ADD KEY refunds_stuck (stuck, id);

UPDATE refunds SET booked_at = created_at;

-- +goose Down
ALTER TABLE refunds
    DROP KEY refunds_stuck,
    DROP KEY refunds_state,
    DROP KEY refunds_due,
    DROP KEY refunds_reference,
    DROP COLUMN stuck_since,
    DROP COLUMN stuck_reason,
    DROP COLUMN stuck,
    DROP COLUMN recheck,
    DROP COLUMN wake,
    DROP COLUMN due_at,
    DROP COLUMN resolution,
    DROP COLUMN approval,
    DROP COLUMN outcome,
    DROP COLUMN booked_at,
    DROP COLUMN sent_at,
    DROP COLUMN deadline,
    DROP COLUMN reference,
    DROP COLUMN attempt,
    DROP COLUMN provider;
