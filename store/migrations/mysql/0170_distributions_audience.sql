-- +goose Up
CREATE INDEX distributions_audience ON distributions (audience_id);

-- +goose Down
DROP INDEX distributions_audience ON distributions;
