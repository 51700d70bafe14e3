-- +goose Up
ALTER TABLE batches ADD COLUMN limit_by TEXT NULL;
ALTER TABLE batches ADD COLUMN codes    TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN face_min INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN face_max INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_mode ON batches (claim_mode, merchant_id, id);

-- +goose Down
DROP INDEX batches_mode;
ALTER TABLE batches DROP COLUMN face_max;
ALTER TABLE batches DROP COLUMN face_min;
ALTER TABLE batches DROP COLUMN codes;
ALTER TABLE batches DROP COLUMN limit_by;
