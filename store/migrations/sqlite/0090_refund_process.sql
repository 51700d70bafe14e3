-- +goose Up
ALTER TABLE refunds ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE refunds ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN reference TEXT NULL;
ALTER TABLE refunds ADD COLUMN deadline TEXT NULL;
ALTER TABLE refunds ADD COLUMN sent_at TEXT NULL;
ALTER TABLE refunds ADD COLUMN booked_at TEXT NULL;
ALTER TABLE refunds ADD COLUMN outcome TEXT NULL;
ALTER TABLE refunds ADD COLUMN approval TEXT NULL;
ALTER TABLE refunds ADD COLUMN resolution TEXT NULL;
ALTER TABLE refunds ADD COLUMN due_at TEXT NULL;
ALTER TABLE refunds ADD COLUMN wake INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN recheck INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN stuck INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN stuck_reason TEXT NULL;
ALTER TABLE refunds ADD COLUMN stuck_since TEXT NULL;
CREATE INDEX refunds_reference ON refunds (provider, reference);
CREATE INDEX refunds_due ON refunds (due_at);
CREATE INDEX refunds_state ON refunds (state, id);
CREATE INDEX refunds_stuck ON refunds (stuck, id);

UPDATE refunds SET booked_at = created_at;

-- +goose Down
DROP INDEX refunds_stuck;
DROP INDEX refunds_state;
DROP INDEX refunds_due;
DROP INDEX refunds_reference;
ALTER TABLE refunds DROP COLUMN stuck_since;
ALTER TABLE refunds DROP COLUMN stuck_reason;
ALTER TABLE refunds DROP COLUMN stuck;
ALTER TABLE refunds DROP COLUMN recheck;
ALTER TABLE refunds DROP COLUMN wake;
ALTER TABLE refunds DROP COLUMN due_at;
ALTER TABLE refunds DROP COLUMN resolution;
ALTER TABLE refunds DROP COLUMN approval;
ALTER TABLE refunds DROP COLUMN outcome;
ALTER TABLE refunds DROP COLUMN booked_at;
ALTER TABLE refunds DROP COLUMN sent_at;
ALTER TABLE refunds DROP COLUMN deadline;
ALTER TABLE refunds DROP COLUMN reference;
ALTER TABLE refunds DROP COLUMN attempt;
ALTER TABLE refunds DROP COLUMN provider;
