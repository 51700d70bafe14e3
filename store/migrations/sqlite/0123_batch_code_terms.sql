-- +goose Up
ALTER TABLE batches ADD COLUMN code_prefix    TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN code_length    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN code_alphabet  TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN code_low_water INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN code_refill    INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_low_water ON batches (code_low_water);

-- +goose Down
DROP INDEX batches_low_water;
ALTER TABLE batches DROP COLUMN code_refill;
ALTER TABLE batches DROP COLUMN code_low_water;
ALTER TABLE batches DROP COLUMN code_alphabet;
ALTER TABLE batches DROP COLUMN code_length;
ALTER TABLE batches DROP COLUMN code_prefix;
