-- +goose Up
ALTER TABLE batches ADD COLUMN notices JSON NULL;

-- +goose Down
ALTER TABLE batches DROP COLUMN notices;
