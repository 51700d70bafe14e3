-- +goose Up
CREATE INDEX redemptions_user ON redemptions (user_id, id);

-- +goose Down
DROP INDEX redemptions_user;
