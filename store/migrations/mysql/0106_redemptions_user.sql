-- +goose Up
ALTER TABLE redemptions ADD KEY redemptions_user (user_id, id);

-- +goose Down
ALTER TABLE redemptions DROP KEY redemptions_user;
